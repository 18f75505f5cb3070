#pragma once
/*
 * Which open file a call is about. A ring record gets a key of it, made of what changes with the
 * file or its name; whoever sees a key for the first time has files.bpf.c tell what it stands for.
 * So reading and writing files costs a look-up, and nothing where nothing is stored.
 */
#include "machine.bpf.h"
#include "task.bpf.h"

/* Files are told; what each system call has to do with them: LIVE_FILE_FIRST, LIVE_FILE_RESULT. */
extern const volatile bool tells_files;
extern const volatile u8 file_calls[LIVE_FILE_CALLS];

/* A typed pointer as a number: by way of memory, as older kernels refuse arithmetic with it. */
#define ADDRESS_OF(pointer)                                                        \
	({                                                                         \
		const void *typed_ = (pointer);                                    \
		u64 address_ = 0;                                                  \
                                                                                   \
		(void)bpf_probe_read_kernel(&address_, sizeof(address_), &typed_); \
		address_;                                                          \
	})

/*
 * open_file of a ring record: the file that a descriptor stands for in the task at an address; told
 * if it is new. 0: none. is_open: it is known to be one, as of a call that succeeded. A global
 * function, which the verifier checks once, separately; so it takes numbers.
 */
u64 file_of_task(u64 task, u64 fd, u64 is_open);

/* Tells the path at an address of the current task, which a call was passed that failed. */
int path_error_tell(u64 path, u32 sysno, u32 error);

/* Of a call by number, of the 64-bit table. */
static __always_inline u32 file_call(u32 sysno)
{
	return tells_files && sysno < LIVE_FILE_CALLS ? file_calls[sysno & (LIVE_FILE_CALLS - 1)]
						      : 0;
}

/* The file that the task's unfinished call is about, by the registers that it saved. */
static __always_inline u64 file_of_call(struct task_struct *task, u32 sysno)
{
	if (!(file_call(sysno) & LIVE_FILE_FIRST) || !HAS_TASK_REGS() || compat_flag(task, true))
		return 0;
	return file_of_task(
		ADDRESS_OF(task),
		REGS_FIRST(false, (const struct pt_regs___kernel *)bpf_task_pt_regs(task)), false);
}
