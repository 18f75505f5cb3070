/*
 * What the recorder parses while it is privileged: the first byte chooses the parser, the rest is a
 * line or a file of /proc, ELF notes, a perf ring that wraps around, or the value of an option.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz_target.h"
#include "formats/base/escape.h"
#include "formats/base/near_word.h"
#include "recorder/host/kernel_map_state.h"
#include "recorder/host/maps_parse.h"
#include "recorder/base/option_text.h"
#include "recorder/options/option_values.h"
#include "recorder/options/options.h"
#include "recorder/live/perf_record.h"
#include "recorder/base/quantity_text.h"
#include "recorder/base/units.h"

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

/* Lines of a file: together they are what the file holds, but for what is cut off. */
static void read_lines(const char *bytes, size_t len)
{
	static struct rec_line_reader reader;
	static int fd = -1;
	size_t sum = 0;
	char *line;

	if (fd < 0)
		fd = memfd_create("lines", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)len) < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	rec_lines_init(&reader, fd);
	while (rec_lines_next(&reader, &line) == 1) {
		size_t line_len = strlen(line);

		if (line_len >= sizeof(reader.bytes) || memchr(line, '\n', line_len))
			abort();
		sum += line_len + 1;
	}
	if (sum > len + 1)
		abort();
}

/* What is accepted is shown in a form that says the same. */
static void read_quantities(const char *text)
{
	char shown[REC_UNIT_TEXT_BYTES];
	u64 value, again;

	if (rec_parse_duration(text, REC_NS_PER_S, &value) == 0) {
		rec_format_duration(value, shown);
		if (rec_parse_duration(shown, REC_NS_PER_S, &again) < 0 || again != value)
			abort();
	}
	if (rec_parse_size(text, &value) == 0) {
		rec_format_size(value, shown);
		if (rec_parse_size(shown, &again) < 0 || again != value)
			abort();
	}
	if (rec_parse_count(text, &value) == 0) {
		rec_format_count(value, shown);
		if (rec_parse_count(shown, &again) < 0 || again != value)
			abort();
	}
}

/* The first byte is the option, the rest its value. */
static void read_option(const char *text)
{
	unsigned int id = (unsigned char)text[0] % REC_OPTION_COUNT;
	struct rec_options options;
	struct cap_err err = {0};
	char *yaml;
	int rc;

	rec_options_init(&options);
	rc = rec_option_set((enum rec_option_id)id, &options, text[0] ? text + 1 : text, true,
			    &err);
	if (rc < 0 && !err.text[0])
		abort(); /* whoever is refused is told why */
	if (rc == 0 && rec_options_complete(&options, 1ull << id, &err) == 0) {
		yaml = rec_options_yaml(&options);
		free(yaml);
	}
	rec_options_done(&options);
}

static void show(const char *text)
{
	char shown[REC_SHOWN_BYTES], visible[64];

	(void)rec_text_show(text, strlen(text), shown);
	(void)cap_escape_text(CAP_ESCAPE_ASCII, text, strlen(text), visible, sizeof(visible));
	for (const char *p = shown; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
	for (const unsigned char *p = (const unsigned char *)visible; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			abort();
	(void)cap_word_distance(text, "frequency");
	(void)cap_word_slips(text, "frequency");
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
	switch (data[0] % 16) {
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
	case 7:
		read_lines(text, len - 1);
		break;
	case 8:
		read_quantities(text);
		break;
	case 9:
		read_option(text);
		break;
	case 10:
		show(text);
		break;
	default:
		read_ring((const u8 *)text, len - 1);
	}
	if (inside && (inside < text || inside + text_len > text + len - 1))
		abort();
	free(text);
	return 0;
}
