/*
 * What the recorder parses while it is privileged: the first byte chooses the parser, the rest is a
 * line of /proc, ELF notes, or a perf ring that wraps around.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_target.h"
#include "kernel_map_state.h"
#include "maps_parse.h"
#include "perf_record.h"

#define RING_BYTES 1024

static void read_ring(const u8 *bytes, size_t len)
{
	static u8 scratch[REC_PERF_MAX_RECORD_BYTES];
	u8 data[RING_BYTES] = {0};
	struct rec_perf_ring ring = {.data = data, .size_bytes = RING_BYTES};
	const u8 *record;
	size_t record_len;

	if (len < 2)
		return;
	ring.tail = bytes[0] * 8u;
	ring.head = ring.tail + bytes[1] * 8u;
	for (size_t i = 2; i < len && i < RING_BYTES; i++)
		data[(ring.tail + i - 2) % RING_BYTES] = bytes[i];
	while (rec_perf_next(&ring, scratch, &record, &record_len) > 0) {
		struct rec_perf_record parsed;

		if (rec_perf_parse(record, record_len, &parsed) == 0 &&
		    parsed.kind == REC_PERF_MAPPING && parsed.path_len > record_len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rec_maps_line maps_line;
	struct rec_kallsym symbol;
	u8 build_id[REC_BUILD_ID_BYTES];
	size_t text_len = 0;
	const char *inside = NULL;
	char *text;
	u64 ticks;

	if (!len)
		return 0;
	text = malloc(len); /* of this very size: an overrun is seen */
	if (!text)
		return 0;
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	switch (data[0] % 7) {
	case 0:
		(void)rec_maps_parse_line(text, &maps_line);
		break;
	case 1:
		(void)rec_stat_start_ticks(text, &ticks);
		break;
	case 2:
		inside = rec_cgroup_path(text, &text_len);
		break;
	case 3:
		inside = rec_mountinfo_type(text, 8, 1, &text_len);
		break;
	case 4:
		(void)rec_kallsyms_parse_line(text, &symbol);
		break;
	case 5:
		(void)rec_notes_build_id((const u8 *)text, len - 1, build_id);
		break;
	default:
		read_ring((const u8 *)text, len - 1);
	}
	if (inside && (inside < text || inside + text_len > text + len - 1))
		abort();
	free(text);
	return 0;
}
