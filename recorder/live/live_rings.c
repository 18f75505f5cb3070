/* The rings: libbpf maps and walks them; this bounds the walk and keeps wake-ups separate. */
#include "recorder/live/live_rings.h"
#include "recorder/base/error_names.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/live_state.h"
#include "formats/base/cleanup.h"
#include "recorder/live/live_object.h"

#include "kymo_bpf.skel.h"

struct live_ring {
	struct live_rings *rings;
	struct ring_buffer *buffer; /* NULL: class not recorded */
	u64 ring_bytes;
	u64 drained_bytes; /* in this drain */
	/* Rings with copies of stacks only: the kernel's consumer position, and a page further its
	 * producer position; and up to where they are drained. NULL: without a bound. */
	const u8 *positions;
	u64 noted_end;
};

struct live_rings {
	struct live_ring all[EV_CLASS_COUNT]; /* by class */
	int wake_fd;
	struct rec_pipeline *pipeline; /* of the drain that runs */
	live_task_fn on_task;
	void *context;
};

#define STOP_WALKING (-ECANCELED)

static u64 position(const struct live_ring *ring, size_t offset)
{
	return __atomic_load_n((const unsigned long *)(const void *)(ring->positions + offset),
			       __ATOMIC_ACQUIRE);
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* libbpf moves the consumer position after each record, also of one that ends the walk. */
static bool is_last_noted(const struct live_ring *ring, size_t record_bytes)
{
	return ring->positions && position(ring, 0) + record_bytes >= ring->noted_end;
}

static int on_record(void *context, void *record, size_t len)
{
	struct live_ring *ring = context;
	size_t record_bytes = ((len + 7) & ~(size_t)7) + 8; /* the kernel's header and padding */

	if (ring == &ring->rings->all[CLASS_TASKS] && ring->rings->on_task &&
	    len >= sizeof(struct ring_head))
		ring->rings->on_task(ring->rings->context, record);
	rec_pipeline_record(ring->rings->pipeline, record, len);
	ring->drained_bytes += record_bytes;
	return ring->drained_bytes > 2 * ring->ring_bytes || is_last_noted(ring, record_bytes)
		       ? STOP_WALKING
		       : 0;
}

static int open_ring(struct live_rings *rings, struct live_ring *ring, const struct bpf_map *map,
		     struct cap_err *err)
{
	/* Edge-triggered: level-triggered, a single waiting record would keep us awake. */
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};

	ring->rings = rings;
	ring->ring_bytes = bpf_map__max_entries(map);
	ring->buffer = ring_buffer__new(bpf_map__fd(map), on_record, ring, NULL);
	if (!ring->buffer || epoll_ctl(rings->wake_fd, EPOLL_CTL_ADD, bpf_map__fd(map), &event) < 0)
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_MapOperationFailed,
				"map ring '%s' of %llu bytes: %s; try a smaller "
				"ring (--buffer)",
				bpf_map__name(map), (unsigned long long)ring->ring_bytes,
				strerror(errno));
	return 0;
}

/* Without, the ring is drained to its end, and a fresh mapping may be missed. */
static void map_positions(struct live_ring *ring, const struct bpf_map *map)
{
	void *pages = mmap(NULL, 2 * page_bytes(), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	ring->positions = pages == MAP_FAILED ? NULL : pages;
}

static void rings_freep(struct live_rings **rings)
{
	(void)live_rings_free(*rings);
}

int live_rings_open(const struct live_probes *probes, live_task_fn on_task, void *context,
		    struct live_rings **ret_rings, struct cap_err *err)
{
	CLEANUP(rings_freep) struct live_rings *rings = calloc(1, sizeof(*rings));
	int rc = 0;

	if (!rings)
		return cap_fail(err, -ENOMEM, "rings");
	rings->on_task = on_task;
	rings->context = context;
	rings->wake_fd = epoll_create1(EPOLL_CLOEXEC);
	if (rings->wake_fd < 0)
		return cap_fail_errno(err, errno, "epoll_create1");
	for (u32 i = 0; rc == 0 && i < EV_CLASS_COUNT; i++)
		if (live_object_ring(probes->skeleton, i) && live_class_attached(probes, i))
			rc = open_ring(rings, &rings->all[i], live_object_ring(probes->skeleton, i),
				       err);
	if (rc < 0)
		return rc;
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		if (rings->all[i].buffer && (EV_CLASSES_WITH_STACKS & 1u << i))
			map_positions(&rings->all[i], live_object_ring(probes->skeleton, i));
	*ret_rings = TAKE(rings);
	return 0;
}

struct live_rings *live_rings_free(struct live_rings *rings)
{
	if (!rings)
		return NULL;
	for (size_t i = 0; i < EV_CLASS_COUNT; i++) {
		ring_buffer__free(rings->all[i].buffer);
		if (rings->all[i].positions)
			(void)munmap((void *)rings->all[i].positions, 2 * page_bytes());
	}
	if (rings->wake_fd >= 0)
		(void)close(rings->wake_fd); /* nothing is written through it */
	free(rings);
	return NULL;
}

static int drain_ring(struct live_ring *ring, struct rec_pipeline *pipeline, struct cap_err *err)
{
	int rc;

	if (!ring->buffer || (ring->positions && position(ring, 0) >= ring->noted_end))
		return 0;
	ring->rings->pipeline = pipeline;
	ring->drained_bytes = 0;
	rc = ring_buffer__consume(ring->buffer);
	rec_pipeline_ring_used(pipeline, ring->drained_bytes < ring->ring_bytes
						 ? ring->drained_bytes
						 : ring->ring_bytes);
	if (rc < 0 && rc != STOP_WALKING)
		return rec_fail(err, CAP_EPRIVILEGE, REC_ERROR_MapOperationFailed,
				"drain a ring: %s; everything recorded before is in the capture",
				strerror(-rc));
	return 0;
}

int live_rings_drain_tasks(struct live_rings *rings, struct rec_pipeline *pipeline,
			   struct cap_err *err)
{
	return drain_ring(&rings->all[CLASS_TASKS], pipeline, err);
}

void live_rings_note(struct live_rings *rings)
{
	for (u32 i = 0; i < EV_CLASS_COUNT; i++)
		if (rings->all[i].positions)
			rings->all[i].noted_end = position(&rings->all[i], page_bytes());
}

int live_rings_drain(struct live_rings *rings, struct rec_pipeline *pipeline, struct cap_err *err)
{
	struct epoll_event events[EV_CLASS_COUNT];
	int rc;

	(void)epoll_wait(rings->wake_fd, events, EV_CLASS_COUNT,
			 0); /* takes the wake-ups; all rings are looked at anyway */
	rc = live_rings_drain_tasks(rings, pipeline, err);
	for (u32 i = 0; rc == 0 && i < EV_CLASS_COUNT; i++)
		if (i != CLASS_TASKS)
			rc = drain_ring(&rings->all[i], pipeline, err);
	return rc;
}

int live_rings_wake_fd(const struct live_rings *rings)
{
	return rings->wake_fd;
}
