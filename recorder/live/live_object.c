/* Unpacks the BPF object. Its bytes are in a global because the generated skeleton asks for them
 * without context. */
#include "recorder/live/live_object.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/live_state.h"
#include "formats/base/cap_error.h"
#include "formats/base/cleanup.h"
#include "formats/base/zstd_frame.h"

#include "kymo_bpf.skel.h" /* KYMO_BPF_OBJECT_BYTES */

/* KYMO_BPF_OBJECT_FILE: the path of the compressed object, from the build. */
__asm__(".pushsection .rodata\n"
	".global kymo_bpf_packed, kymo_bpf_packed_end\n"
	"kymo_bpf_packed:\n"
	".incbin \"" KYMO_BPF_OBJECT_FILE "\"\n"
	"kymo_bpf_packed_end:\n"
	".popsection\n");

extern const u8 kymo_bpf_packed[], kymo_bpf_packed_end[];

static void *unpacked;

static void decompressor_freep(struct cap_decompressor **decompressor)
{
	cap_decompressor_free(*decompressor);
}

int live_object_unpack(struct cap_err *err)
{
	CLEANUP(decompressor_freep) struct cap_decompressor *decompressor = cap_decompressor_new();
	size_t packed_bytes = (size_t)(kymo_bpf_packed_end - kymo_bpf_packed);
	int rc;

	live_object_release();
	unpacked = malloc(KYMO_BPF_OBJECT_BYTES);
	if (!decompressor || !unpacked)
		return cap_fail_errno(err, ENOMEM, "unpack the BPF programs");
	rc = cap_decompress(decompressor, kymo_bpf_packed, packed_bytes, unpacked,
			    KYMO_BPF_OBJECT_BYTES, err);
	if (rc < 0)
		live_object_release();
	return rc;
}

void live_object_release(void)
{
	free(unpacked);
	unpacked = NULL;
}

void live_object_set_cast(u32 function_id)
{
	const struct bpf_insn mark = {.code = BPF_JMP | BPF_CALL, .imm = LIVE_CAST_MARK};
	struct bpf_insn call = {.code = BPF_JMP | BPF_CALL,
				.src_reg = BPF_PSEUDO_KFUNC_CALL,
				.imm = (s32)function_id};
	char *bytes = unpacked;

	/* instructions stand at multiples of their size */
	for (size_t at = 0; bytes && at + sizeof(mark) <= KYMO_BPF_OBJECT_BYTES; at += sizeof(mark))
		if (memcmp(bytes + at, &mark, sizeof(mark)) == 0)
			memcpy(bytes + at, &call, sizeof(call));
}

const void *live_object_bytes(size_t *ret_bytes)
{
	*ret_bytes = unpacked ? KYMO_BPF_OBJECT_BYTES : 0;
	return unpacked;
}

/* Where the pointer to a class's ring is in struct kymo_bpf; 0: it has none. */
#define RING_KERNEL(class) offsetof(struct kymo_bpf, maps.class##_ring)
#define RING_OTHER(class) 0
static const size_t ring_offsets[EV_CLASS_COUNT] = {
#define CLASS(id, upper, name, when, ring, part, holds) [CLASS_##upper] = RING_##ring(name),
#include "formats/table/classes.def"
#undef CLASS
};

struct bpf_map *live_object_ring(const struct kymo_bpf *skeleton, u32 event_class)
{
	if (ring_offsets[event_class] == 0)
		return NULL;
	return *(struct bpf_map *const *)((const char *)skeleton + ring_offsets[event_class]);
}
