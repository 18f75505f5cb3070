/*
 * Writes a capture that a seed decides to the last byte, through the recorder's output: for runs
 * under disk_shim.c, which must not change the file.
 */
#include <stdio.h>
#include <stdlib.h>

#include "random_rows.h"
#include "recorder/pipeline/output_file.h"

struct target {
	struct rec_output *output;
	u64 passed_ns; /* a second a block: some are synced */
};

static long write_block(void *context, int fd, const void *bytes, unsigned long len)
{
	struct target *target = context;
	long done = rec_output_write(target->output, fd, bytes, len);

	target->passed_ns += 1000000000ull;
	if (done >= 0 && rec_output_keep_synced(target->output, target->passed_ns, NULL) < 0)
		return -1;
	return done;
}

int main(int argc, char **argv)
{
	struct target target = {0};
	struct small_capture plan = {.rows = 40, .write = write_block, .write_context = &target};
	struct cap_err err = {0};
	int rc;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: write_blocks FILE SEED CHUNKS\n");
		return 2;
	}
	plan.seed = strtoull(argv[2], NULL, 10);
	plan.chunks = (unsigned)strtoul(argv[3], NULL, 10);
	rc = rec_output_open(argv[1], true, &target.output, &err);
	if (rc == 0)
		rc = small_capture_write(&plan, rec_output_fd(target.output), &err);
	if (rc == 0)
		rc = rec_output_close(target.output, &err);
	if (rc < 0)
		(void)fprintf(stderr, "write_blocks: %s\n", err.text);
	rec_output_free(target.output);
	return rc < 0;
}
