#pragma once
/*
 * What differs between machines: registers of system calls, the flag of 32-bit programs, the mode
 * of a sample. The build names the machine like libbpf: __TARGET_ARCH_x86 or _arm64.
 */
#include "state.bpf.h"

#include <asm/ptrace.h>
#include <linux/bpf_perf_event.h>

/* direct: the kernel gave a typed pointer; a constant for the verifier. */
#define READ_DIRECT_OR_PROBE(direct, object, field) \
	((direct) ? (object)->field : BPF_CORE_READ(object, field))

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

/* The same at a tracepoint that gives the registers; and its first arguments. */
#define REGS_NUMBER(direct, regs) ((s32)READ_DIRECT_OR_PROBE(direct, regs, orig_ax))
#define REGS_FIRST(direct, regs) ((u64)READ_DIRECT_OR_PROBE(direct, regs, di))
#define REGS_SECOND(direct, regs) ((u64)READ_DIRECT_OR_PROBE(direct, regs, si))

#define ENOSYS_RETURN (-38l)

/* Has the call whose registers these are got its result, though the task is still in the kernel?
 * While it lasts, ax is -ENOSYS. */
static __always_inline bool call_has_result(const struct pt_regs___kernel *regs)
{
	return (long)BPF_CORE_READ(regs, ax) != ENOSYS_RETURN;
}

#define COPY_REGISTERS
#define USER_CODE_SEGMENT 0x33 /* of 64-bit programs */

/* prefix: what stands before the names of the older registers: r in struct pt_regs as programs see
 * it, nothing in the kernel's own. False in the mode of 32-bit programs. */
#define COPY_REGISTERS_FROM(copy, regs, prefix)  \
	({                                       \
		(copy)->ip = (regs)->prefix##ip; \
		(copy)->sp = (regs)->prefix##sp; \
		(copy)->bp = (regs)->prefix##bp; \
		(copy)->bx = (regs)->prefix##bx; \
		(copy)->r12 = (regs)->r12;       \
		(copy)->r13 = (regs)->r13;       \
		(copy)->r14 = (regs)->r14;       \
		(copy)->r15 = (regs)->r15;       \
		(regs)->cs == USER_CODE_SEGMENT; \
	})

/* Calls that have no single entry and return, by number. */
static __always_inline bool call_makes_task(u32 number, bool compat)
{
	if (compat)
		return number == 2 || number == 120 || number == 190 || number == 435;
	return number == 56 || number == 57 || number == 58 || number == 435;
}

static __always_inline bool call_ends_task(u32 number, bool compat)
{
	return compat ? number == 1 || number == 252 : number == 60 || number == 231;
}

static __always_inline bool call_executes(u32 number, bool compat)
{
	return compat ? number == 11 || number == 358 : number == 59 || number == 322;
}

#define SIGRETURN_NUMBER(compat) ((compat) ? 173u : 15u)

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

/* The same at a tracepoint that gives the registers; and its first arguments. */
#define REGS_NUMBER(direct, regs) ((s32)READ_DIRECT_OR_PROBE(direct, regs, syscallno))
#define REGS_FIRST(direct, regs) ((u64)READ_DIRECT_OR_PROBE(direct, regs, orig_x0))
#define REGS_SECOND(direct, regs) ((u64)READ_DIRECT_OR_PROBE(direct, regs, regs[1]))

#define ENOSYS_RETURN (-38l)

/* Has the call whose registers these are got its result, though the task is still in the kernel?
 * While it lasts, the first register holds its first argument. */
static __always_inline bool call_has_result(const struct pt_regs___kernel *regs)
{
	return BPF_CORE_READ(regs, regs[0]) != BPF_CORE_READ(regs, orig_x0);
}

/* Calls that have no single entry and return, by number. */
static __always_inline bool call_makes_task(u32 number, bool compat)
{
	if (compat)
		return number == 2 || number == 120 || number == 190 || number == 435;
	return number == 220 || number == 435;
}

static __always_inline bool call_ends_task(u32 number, bool compat)
{
	return compat ? number == 1 || number == 248 : number == 93 || number == 94;
}

static __always_inline bool call_executes(u32 number, bool compat)
{
	return compat ? number == 11 || number == 387 : number == 221 || number == 281;
}

#define SIGRETURN_NUMBER(compat) ((compat) ? 173u : 139u)

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
