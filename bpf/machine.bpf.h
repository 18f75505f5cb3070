#pragma once
/*
 * What differs between machines: registers of system calls, the flag of 32-bit programs, the mode
 * of a sample. The build names the machine like libbpf: __TARGET_ARCH_x86 or _arm64.
 */
#include "state.bpf.h"

#include <asm/ptrace.h>
#include <linux/bpf_perf_event.h>

#if defined(__TARGET_ARCH_x86)

/* Where and what says that the task's current call is one of the 32-bit table: TS_COMPAT */
#define COMPAT_FIELD thread_info.status
#define COMPAT_BIT 0x0002

#define SEGMENT_PRIVILEGE_BITS 3 /* 3 in user mode */

static __always_inline bool sample_in_kernel(const bpf_user_pt_regs_t *regs)
{
	return (regs->cs & SEGMENT_PRIVILEGE_BITS) == 0;
}

/* The number of the call whose registers these are; negative: of none. */
static __always_inline long call_number(const struct pt_regs___kernel *regs)
{
	return (long)BPF_CORE_READ(regs, orig_ax);
}

/* The six argument registers of a call; 32-bit calls have others. */
static __always_inline void args_read(u64 *ret_args, const void *regs_address, bool compat)
{
	const struct pt_regs___kernel *regs = regs_address;

	if (compat) {
		ret_args[0] = BPF_CORE_READ(regs, bx);
		ret_args[1] = BPF_CORE_READ(regs, cx);
		ret_args[2] = BPF_CORE_READ(regs, dx);
		ret_args[3] = BPF_CORE_READ(regs, si);
		ret_args[4] = BPF_CORE_READ(regs, di);
		ret_args[5] = BPF_CORE_READ(regs, bp);
	} else {
		ret_args[0] = BPF_CORE_READ(regs, di);
		ret_args[1] = BPF_CORE_READ(regs, si);
		ret_args[2] = BPF_CORE_READ(regs, dx);
		ret_args[3] = BPF_CORE_READ(regs, r10);
		ret_args[4] = BPF_CORE_READ(regs, r8);
		ret_args[5] = BPF_CORE_READ(regs, r9);
	}
}

#elif defined(__TARGET_ARCH_arm64)

/* TIF_32BIT: a 32-bit program makes 32-bit calls only */
#define COMPAT_FIELD thread_info.flags
#define COMPAT_BIT (1ul << 22)

#define EXCEPTION_LEVEL_BITS 0xf /* 0 in user mode, of 32-bit programs too */

static __always_inline bool sample_in_kernel(const bpf_user_pt_regs_t *regs)
{
	return (regs->pstate & EXCEPTION_LEVEL_BITS) != 0;
}

/* The number of the call whose registers these are; negative: of none. */
static __always_inline long call_number(const struct pt_regs___kernel *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}

/* The six argument registers of a call, the same for 32-bit ones. The first is also where the
 * result goes; the kernel keeps what it was. */
static __always_inline void args_read(u64 *ret_args, const void *regs_address, bool compat)
{
	const struct pt_regs___kernel *regs = regs_address;

	(void)compat;
	ret_args[0] = BPF_CORE_READ(regs, orig_x0);
	ret_args[1] = BPF_CORE_READ(regs, regs[1]);
	ret_args[2] = BPF_CORE_READ(regs, regs[2]);
	ret_args[3] = BPF_CORE_READ(regs, regs[3]);
	ret_args[4] = BPF_CORE_READ(regs, regs[4]);
	ret_args[5] = BPF_CORE_READ(regs, regs[5]);
}

#else
#error "the registers of this machine are not known here"
#endif
