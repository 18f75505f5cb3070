#pragma once
/*
 * What already runs when a recording begins: program path, cgroup and executable mappings of
 * processes that a BPF iterator listed. Reads only files that the kernel makes below /proc/PID;
 * never opens a file that a process chose (exe, map_files, root).
 */
#include <stdbool.h>
#include <stddef.h>

#include "formats/base/cap_error.h"
#include "formats/write/chunk.h"
#include "formats/table/events.h"
#include "recorder/host/process_maps.h"

/* Does /proc number processes as our pid namespace does, and not as the initial one? self_tgid:
 * ours in the initial one. */
bool rec_proc_has_own_numbers(u32 self_tgid);

/*
 * own_numbers: what rec_proc_has_own_numbers says.
 *
 * Adds a PROCESS row per process to procs_chunk and MAPPING rows (EV_MAPPING_KEYFRAME, time of the
 * reading) to maps_chunk. A process that ended or was replaced (its start differs) gets its PROCESS
 * row with empty exe and cgroup, and no mappings. taker: as of rec_process_maps.
 *
 * RETURNS HOW MANY OF THE processes ARE DONE, which may be fewer than count: it stops before a
 * chunk grows past CAP_WRITER_CHUNK_BYTES, so that a host of any size takes bounded memory. Write
 * both chunks, reset them, call again with the rest. At least 1 if count > 0. Negative: -ENOMEM or
 * CAP_ELIMIT.
 */
int rec_process_scan(const struct ring_process *processes, size_t count, bool own_numbers,
		     const struct rec_mapping_taker *taker, struct cap_chunk *procs_chunk,
		     struct cap_chunk *maps_chunk, struct cap_err *err);
