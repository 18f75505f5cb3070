#pragma once
/*
 * The one way in which kymo opens files for writing. A file is complete or not there at all: it is
 * written as NAME.part, readable only by its owner, and renamed at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "formats/base/cap_error.h"

struct kymo_result_request {
	const char *path; /* "-" or NULL: standard output */
	bool force;	  /* replace an existing file */
	bool stream;	  /* written from front to back, so standard output, pipes and devices are
			     allowed */
	const char *what; /* who would leave a part: "import" */
	const char *for_files; /* what is written, if it should not go to a terminal: "a picture" */
	const char *const *inputs; /* what the command reads: never the output */
	size_t input_count;
};

struct kymo_result_file {
	const char *output;
	char *path; /* OUTPUT.part; NULL where output is written directly */
	bool force;
	bool ours;	/* the part, which is still to be published or removed */
	bool is_stdout; /* fd is standard output, and stays open */
	int fd;		/* for writing; holds the lock on the part. Init to -1 */
	FILE *stream;	/* made by kymo_result_stream */
};

/*
 * 0 and *ret_result, whose strings are its own but for output. -EEXIST if the output exists
 * (without force), cannot be written to, or another process writes the part; CAP_EUSAGE if the
 * output is one of the inputs, or a terminal that should not get it. A part that was left by a
 * killed process is taken over.
 */
int kymo_result_open(const struct kymo_result_request *request, struct kymo_result_file *ret_result,
		     struct cap_err *err);

/* The result as a stream, owned by the result. shared is the stream for standard output. */
int kymo_result_stream(struct kymo_result_file *result, FILE *shared, FILE **ret_stream,
		       struct cap_err *err);

/* To disk, then the name. */
int kymo_result_publish(struct kymo_result_file *result, struct cap_err *err);

/* Takes away what was not published. */
void kymo_result_done(struct kymo_result_file *result); /* for CLEANUP */
