#pragma once
/*
 * The small host that synthetic events come from: processes, threads, programs, functions.
 * Everything follows from the seed and the number of the event; only system call numbers depend on
 * the machine.
 */
#include <stdbool.h>

#include "formats/write/chunk.h"
#include "formats/table/events.h"

#define SYN_BEGIN_NS 1000000000000ull	  /* record clock of the first event */
#define SYN_BOOT_AHEAD_NS 500000000000ull /* CLOCK_BOOTTIME minus CLOCK_MONOTONIC */
#define SYN_CPUS 4u
#define SYN_PROCESSES 8u
#define SYN_MAX_THREADS 64u
#define SYN_STACKS 64u /* distinct stacks per program */
#define SYN_MAX_DEPTH 24u

struct syn_thread {
	struct ring_head head; /* all but time and CPU is filled in */
	u32 process;
	u64 free_ns; /* when its last call returned */
};

struct syn_call { /* a system call and its usual outcome */
	u32 sysno;
	u16 weight; /* how often, of all weights */
	u16 error_per_1024;
	u16 error;	      /* errno then */
	u16 returns;	      /* enum syn_returns */
	u32 base_duration_ns; /* median */
};

enum syn_returns { SYN_RETURNS_ZERO, SYN_RETURNS_BYTES, SYN_RETURNS_SMALL, SYN_RETURNS_ADDRESS };

struct syn_stack {
	u8 depth;
	u8 kernel_from;		   /* frames from here on are the kernel's */
	u16 frames[SYN_MAX_DEPTH]; /* root first; indices into the function tables, see
				      syn_world_frame */
};

struct syn_world {
	struct syn_thread threads[SYN_MAX_THREADS];
	u32 thread_count;
	struct syn_thread child; /* the short-lived process of mix "all" */
	bool child_alive;
	u8 thread_pick[256]; /* skewed choice by a random byte */
	u8 call_pick[1024];
	struct syn_stack stacks[SYN_STACKS];
	u64 random;
};

void syn_world_init(struct syn_world *world, u64 seed);

/* Next number of the stream. */
static inline u64 syn_random(struct syn_world *world)
{
	/* splitmix64: one addition and three mixing steps, passes the usual tests */
	u64 z = world->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

const struct syn_call *syn_call(u32 pick);
const char *syn_program_path(u32 process); /* SYN_PROCESSES: the short-lived child's */
struct cap_task syn_task(const struct ring_head *head);

/* The stack as nodes of the chunk; 0 when the chunk is full. */
u32 syn_world_stack(const struct syn_world *world, struct cap_chunk *chunk, u32 which, u32 tgid);

/* Rows of an executable mapping: the program (library false) or the C library of a process. */
int syn_add_mapping(struct cap_chunk *chunk, const struct ring_head *head, u32 process,
		    bool library, u32 flags);
int syn_add_process(struct cap_chunk *chunk, const struct syn_thread *leader);
int syn_add_modules(struct cap_chunk *chunk);
int syn_add_symbols(struct cap_chunk *chunk);
