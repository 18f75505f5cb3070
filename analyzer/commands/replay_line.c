/*
 * Calls, waits and ends of tasks have the form that strace gives them. Every other type, also one
 * of a later version, is shown as its capture's schema describes it: name key=value ...
 */
#include "analyzer/commands/replay_line.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "analyzer/output/safe_text.h"

#define NO_SYSNO UINT32_MAX
#define LONGEST_DECIMAL 0xffffffffull /* what is bigger is rather an address */

static const struct cap_field *field_at(const struct kymo_replay_row *row, u32 column)
{
	return row->values->columns[column].usable ? row->section->columns[column].field : NULL;
}

/* The column of that name; CAP_MAX_COLUMNS: there is none. */
static u32 column_named(const struct kymo_replay_row *row, const char *name)
{
	for (u32 i = 0; i < row->section->column_count && i < CAP_MAX_COLUMNS; i++) {
		const struct cap_field *field = field_at(row, i);

		if (field && strcmp(field->name, name) == 0)
			return i;
	}
	return CAP_MAX_COLUMNS;
}

static u32 column_of_kind(const struct kymo_replay_row *row, enum cap_kind kind)
{
	for (u32 i = 0; i < row->section->column_count && i < CAP_MAX_COLUMNS; i++) {
		const struct cap_field *field = field_at(row, i);

		if (field && field->kind == kind)
			return i;
	}
	return CAP_MAX_COLUMNS;
}

static u64 value_at(const struct kymo_replay_row *row, u32 column, u64 fallback)
{
	return column < CAP_MAX_COLUMNS ? row->values->columns[column].values[row->row] : fallback;
}

static u64 value_of(const struct kymo_replay_row *row, const char *name, u64 fallback)
{
	return value_at(row, column_named(row, name), fallback);
}

u64 kymo_replay_time(const struct kymo_replay_row *row)
{
	return value_at(row, column_of_kind(row, CAP_KIND_TIME), 0);
}

static const struct cap_task *task_at(const struct kymo_replay_row *row, u64 local)
{
	return local > 0 && local < row->rows->task_count ? &row->rows->tasks[local] : NULL;
}

const struct cap_task *kymo_replay_task(const struct kymo_replay_row *row)
{
	u32 column = column_named(row, "task");

	if (column == CAP_MAX_COLUMNS)
		column = column_of_kind(row, CAP_KIND_TASK);
	return task_at(row, value_at(row, column, 0));
}

static void put_task(FILE *out, const struct cap_task *task)
{
	if (!task) {
		(void)fputc('-', out);
		return;
	}
	kymo_print_safe(out, task->comm, strnlen(task->comm, EV_COMM_BYTES));
	(void)fprintf(out, "/%" PRIu32, task->tid);
}

static void put_seconds(FILE *out, u64 ns)
{
	(void)fprintf(out, "%" PRIu64 ".%06" PRIu64, ns / 1000000000, ns % 1000000000 / 1000);
}

static void put_call(FILE *out, const struct kymo_replay_row *row, u64 sysno, bool compat)
{
	const char *name = compat || sysno > UINT32_MAX
				   ? NULL
				   : cap_schema_enum_name(row->schema, CAP_KIND_SYSNO, (u32)sysno);

	if (name)
		kymo_print_safe(out, name, strlen(name));
	else
		(void)fprintf(out, "%s_%" PRIu64, compat ? "compat" : "syscall", sysno);
}

/* -------- system calls -------- */

static void put_arguments(FILE *out, const struct kymo_replay_row *row, u64 flags)
{
	char name[8];

	if (!(flags & EV_SYSCALL_ARGS_RECORDED)) {
		(void)fputs("(...)", out);
		return;
	}
	(void)fputc('(', out);
	for (int i = 0; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "arg%d", i);
		(void)fprintf(out, "%s0x%" PRIx64, i > 0 ? ", " : "", value_of(row, name, 0));
	}
	(void)fputc(')', out);
}

static void put_result(FILE *out, const struct kymo_replay_row *row, u64 flags)
{
	u64 ret = value_of(row, "ret", 0), error = value_of(row, "error", 0);
	const char *name = error < INT32_MAX ? strerrorname_np((int)error) : NULL;

	if (flags & EV_SYSCALL_NO_RETURN)
		(void)fputs(" = ?", out);
	else if (error && name)
		(void)fprintf(out, " = -1 %s (%s)", name, strerrordesc_np((int)error));
	else if (error)
		(void)fprintf(out, " = -1 error %" PRIu64, error);
	else if (ret > LONGEST_DECIMAL && ret < 0 - LONGEST_DECIMAL)
		(void)fprintf(out, " = 0x%" PRIx64, ret);
	else
		(void)fprintf(out, " = %" PRId64, (s64)ret);
}

static void put_syscall(FILE *out, const struct kymo_replay_row *row)
{
	u64 flags = value_of(row, "flags", 0);
	bool cut = (flags & EV_SYSCALL_ENTRY_UNKNOWN) && !(flags & EV_SYSCALL_BLOCKED);

	if (cut) /* as strace shows the second part of a call */
		(void)fputs("<... ", out);
	put_call(out, row, value_of(row, "sysno", 0), (flags & EV_SYSCALL_COMPAT) != 0);
	if (cut)
		(void)fputs(" resumed>", out);
	else
		put_arguments(out, row, flags);
	if (flags & EV_SYSCALL_UNFINISHED) {
		(void)fputs(" <unfinished ...>", out);
		return;
	}
	put_result(out, row, flags);
	(void)fputs(flags & EV_SYSCALL_BLOCKED ? " <blocked " : cut ? " <at least " : " <", out);
	put_seconds(out, value_of(row, "duration_ns", 0));
	(void)fputc('>', out);
}

/* -------- waits, ends -------- */

static void put_wait(FILE *out, const struct kymo_replay_row *row)
{
	u64 flags = value_of(row, "flags", 0), sysno = value_of(row, "sysno", NO_SYSNO),
	    reason = value_of(row, "reason", 0), run_queue_ns = value_of(row, "runq_ns", 0);
	const char *name = cap_schema_enum_name(row->schema, CAP_KIND_WAIT, (u32)reason);
	const struct cap_task *waker = task_at(row, value_of(row, "waker", 0));

	(void)fputs("--- off CPU: ", out);
	if (name)
		kymo_print_safe(out, name, strlen(name));
	else
		(void)fprintf(out, "reason_%" PRIu64, reason);
	if (sysno != NO_SYSNO) {
		(void)fputs(" in ", out);
		put_call(out, row, sysno, false);
	}
	if (waker) {
		(void)fputs(", woken by ", out);
		put_task(out, waker);
	} else if (flags & EV_OFFCPU_WOKEN_BY_INTERRUPT) {
		(void)fputs(", woken by an interrupt", out);
	}
	if (run_queue_ns > 0) {
		(void)fputs(", waited for a CPU ", out);
		put_seconds(out, run_queue_ns);
	}
	(void)fputs(" ---", out);
	if (flags & EV_OFFCPU_UNFINISHED) {
		(void)fputs(" <unfinished ...>", out);
		return;
	}
	(void)fputs(" <", out);
	put_seconds(out, value_of(row, "duration_ns", 0));
	(void)fputc('>', out);
}

static void put_exit(FILE *out, const struct kymo_replay_row *row)
{
	u64 code = value_of(row, "exit_code", 0); /* as wait(2) has it */
	unsigned signal_number = code & 0x7f;
	const char *name = signal_number ? sigabbrev_np((int)signal_number) : NULL;

	if (name)
		(void)fprintf(out, "+++ killed by SIG%s%s +++", name,
			      code & 0x80 ? " (core dumped)" : "");
	else if (signal_number)
		(void)fprintf(out, "+++ killed by signal %u +++", signal_number);
	else
		(void)fprintf(out, "+++ exited with %" PRIu64 " +++", code >> 8 & 0xff);
}

static void put_string(FILE *out, const struct kymo_replay_row *row, u64 local)
{
	const struct cap_string *string = &row->rows->strings[local];

	(void)fputc('"', out);
	kymo_print_safe(out, (const char *)string->bytes, string->len);
	(void)fputc('"', out);
}

static void put_fork(FILE *out, const struct kymo_replay_row *row)
{
	u64 tgid = value_of(row, "child_tgid", 0), tid = value_of(row, "child_tid", 0);

	(void)fprintf(out, "--- new %s %" PRIu64 " ---", tid == tgid ? "process" : "thread", tid);
}

static void put_named(FILE *out, const struct kymo_replay_row *row, const char *what,
		      const char *field)
{
	u64 local = value_of(row, field, 0);

	(void)fprintf(out, "--- %s ", what);
	put_string(out, row, local < row->rows->string_count ? local : 0);
	(void)fputs(" ---", out);
}

static void put_exec(FILE *out, const struct kymo_replay_row *row)
{
	put_named(out, row, "exec", "path");
}

static void put_rename(FILE *out, const struct kymo_replay_row *row)
{
	put_named(out, row, "renamed", "name");
}

/* -------- all others -------- */

static void put_value(FILE *out, const struct kymo_replay_row *row, const struct cap_field *field,
		      u64 value)
{
	const char *name =
		value <= UINT32_MAX
			? cap_schema_enum_name(row->schema, (enum cap_kind)field->kind, (u32)value)
			: NULL;

	if (field->kind == CAP_KIND_TASK)
		put_task(out, task_at(row, value));
	else if (field->kind == CAP_KIND_STRING)
		put_string(out, row, value);
	else if (field->kind == CAP_KIND_DURATION)
		put_seconds(out, value);
	else if (field->kind == CAP_KIND_ADDRESS || field->kind == CAP_KIND_FLAGS)
		(void)fprintf(out, "0x%" PRIx64, value);
	else if (field->kind == CAP_KIND_ERRNO && value > 0 && value < INT32_MAX &&
		 strerrorname_np((int)value))
		(void)fputs(strerrorname_np((int)value), out);
	else if (name)
		kymo_print_safe(out, name, strlen(name));
	else
		(void)fprintf(out, field->is_signed ? "%" PRId64 : "%" PRIu64, value);
}

/* Stacks, copies and bytes have no place in a line; nor has what is not there. */
static bool is_shown(const struct cap_field *field, u64 value)
{
	switch (field->kind) {
	case CAP_KIND_TIME:
	case CAP_KIND_STACK:
	case CAP_KIND_COPY:
	case CAP_KIND_BYTES:
		return false;
	case CAP_KIND_TASK:
		return strcmp(field->name, "task") != 0 && value != 0;
	case CAP_KIND_SYSNO:
		return value != NO_SYSNO;
	default:
		return strcmp(field->name, "reserved") != 0 && (value != 0 || !field->optional);
	}
}

static void put_any(FILE *out, const struct kymo_replay_row *row)
{
	(void)fputs("--- ", out);
	kymo_print_safe(out, row->section->type->name, strlen(row->section->type->name));
	for (u32 i = 0; i < row->section->column_count && i < CAP_MAX_COLUMNS; i++) {
		const struct cap_field *field = field_at(row, i);
		u64 value = value_at(row, i, 0);

		if (!field || !is_shown(field, value))
			continue;
		(void)fputc(' ', out);
		kymo_print_safe(out, field->name, strlen(field->name));
		(void)fputc('=', out);
		put_value(out, row, field, value);
	}
	(void)fputs(" ---", out);
}

void kymo_replay_line(FILE *out, const struct kymo_replay_row *row)
{
	static const struct {
		const char *type;
		void (*put)(FILE *out, const struct kymo_replay_row *row);
	} own[] = {{"syscall", put_syscall}, {"offcpu", put_wait},    {"task_exit", put_exit},
		   {"task_fork", put_fork},  {"task_exec", put_exec}, {"task_name", put_rename}};

	put_task(out, kymo_replay_task(row));
	(void)fputc(' ', out);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(row->section->type->name, own[i].type) == 0) {
			own[i].put(out, row);
			return;
		}
	put_any(out, row);
}
