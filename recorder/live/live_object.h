#pragma once
/*
 * The BPF object, which the program carries compressed (pack_object.sh). It is unpacked before a
 * skeleton is opened and freed after: libbpf keeps nothing of it.
 */
#include <stddef.h>

#include "formats/table/events.h"

struct bpf_map;
struct cap_err;
struct kymo_bpf;

/* 0, -ENOMEM, or what is wrong with the object in this program. */
/* After unpacking: calls of the kernel's function of this number instead of each LIVE_CAST_MARK. */
void live_object_set_cast(u32 function_id);

int live_object_unpack(struct cap_err *err);
void live_object_release(void);

/* What the skeleton asks for. NULL and 0 bytes when it is not unpacked. */
const void *live_object_bytes(size_t *ret_bytes);

/* The ring of a class (below EV_CLASS_COUNT) in an open skeleton; NULL: it has none. */
struct bpf_map *live_object_ring(const struct kymo_bpf *skeleton, u32 event_class);
