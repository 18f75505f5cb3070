/*
 * kymo without a process per capture: reads requests on stdin and answers on stdout, so that a test
 * can put a hundred thousand captures through the commands. Request: u32 length of the arguments,
 * the arguments each ended by NUL, u32 length of the capture, the capture. The argument "@" stands
 * for its path. Answer: s32 status, u32 length and bytes of what went to stdout, the same of the
 * messages.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/commands/common_options.h"
#include "formats/base/cleanup.h"
#include "formats/table/events.h"

#define MAX_ARGUMENTS 16
#define MAX_REQUEST_BYTES (64u << 20)
#define NOTE_BYTES (64u << 10)

struct server {
	int capture_fd, output_fd;
	char capture_path[64];
	char notes[NOTE_BYTES];
	size_t note_bytes;
};

static struct server server; /* notes come without a context of ours */

__attribute__((format(printf, 2, 3))) static void note(const struct kymo_run *run,
						       const char *format, ...)
{
	size_t left = sizeof(server.notes) - server.note_bytes;
	va_list arguments;
	int len;

	(void)run;
	va_start(arguments, format);
	len = vsnprintf(server.notes + server.note_bytes, left, format, arguments);
	va_end(arguments);
	if (len < 0 || (size_t)len + 1 >= left)
		return;
	server.note_bytes += (size_t)len;
	server.notes[server.note_bytes++] = '\n';
}

static bool get(void *bytes, size_t len)
{
	return fread(bytes, 1, len, stdin) == len;
}

static void put(const void *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, stdout) != len)
		exit(1);
}

static void put_counted(const void *bytes, size_t len)
{
	u32 count = (u32)len;

	put(&count, sizeof(count));
	put(bytes, len);
}

/* A counted piece of the request, NUL-terminated; NULL at the end of the input. */
static char *get_counted(u32 *ret_len)
{
	CLEANUP(cap_freep) char *bytes = NULL;

	if (!get(ret_len, sizeof(*ret_len)) || *ret_len > MAX_REQUEST_BYTES)
		return NULL;
	bytes = malloc(*ret_len + 1ul);
	if (!bytes || !get(bytes, *ret_len))
		return NULL;
	bytes[*ret_len] = '\0';
	return TAKE(bytes);
}

static int run_command(int argc, char **argv)
{
	struct kymo_run run = {.note = note};
	struct cap_err err = {0};
	int status = -1;

	for (size_t i = 0; i < kymo_command_count; i++)
		if (strcmp(kymo_commands[i].name, argv[0]) == 0)
			run.command = &kymo_commands[i];
	run.out = fdopen(dup(server.output_fd), "w");
	if (!run.command || !run.out)
		return status;
	optind = 0; /* getopt begins anew */
	status = run.command->main(&run, argc, argv, &err);
	if (status < 0) {
		note(&run, "%s", err.text);
		status = status == CAP_EUSAGE ? 2 : 1;
	}
	return fclose(run.out) == 0 ? status : -1;
}

static int answer(char *arguments, u32 arguments_len, const char *capture, u32 capture_len)
{
	CLEANUP(cap_freep) char *output = NULL;
	char *argv[MAX_ARGUMENTS + 1] = {NULL};
	struct stat st;
	int argc = 0, status;

	for (char *at = arguments; at < arguments + arguments_len && argc < MAX_ARGUMENTS;
	     at += strlen(at) + 1)
		argv[argc++] = strcmp(at, "@") == 0 ? server.capture_path : at;
	if (argc == 0 || ftruncate(server.output_fd, 0) < 0 ||
	    lseek(server.output_fd, 0, SEEK_SET) < 0 || ftruncate(server.capture_fd, 0) < 0 ||
	    pwrite(server.capture_fd, capture, capture_len, 0) != (ssize_t)capture_len)
		return -1;
	server.note_bytes = 0;
	status = run_command(argc, argv);
	if (fstat(server.output_fd, &st) < 0)
		return -1;
	output = malloc((size_t)st.st_size + 1);
	if (!output || pread(server.output_fd, output, (size_t)st.st_size, 0) != st.st_size)
		return -1;
	put(&status, sizeof(status));
	put_counted(output, (size_t)st.st_size);
	put_counted(server.notes, server.note_bytes);
	return fflush(stdout);
}

int main(void)
{
	server.capture_fd = memfd_create("capture", MFD_CLOEXEC);
	server.output_fd = memfd_create("output", MFD_CLOEXEC);
	if (server.capture_fd < 0 || server.output_fd < 0)
		return 1;
	(void)snprintf(server.capture_path, sizeof(server.capture_path), "/proc/self/fd/%d",
		       server.capture_fd);
	for (;;) {
		CLEANUP(cap_freep) char *arguments = NULL;
		CLEANUP(cap_freep) char *capture = NULL;
		u32 arguments_len, capture_len;

		arguments = get_counted(&arguments_len);
		if (!arguments)
			return 0;
		capture = get_counted(&capture_len);
		if (!capture || answer(arguments, arguments_len, capture, capture_len) < 0)
			return 1;
	}
}
