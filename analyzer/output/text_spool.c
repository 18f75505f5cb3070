/* See the header. */
#include "analyzer/output/text_spool.h"

#include <errno.h>
#include <unistd.h>

FILE *kymo_spool_stream(struct kymo_spool *spool)
{
	if (!spool->file)
		spool->file = tmpfile();
	return spool->file;
}

int kymo_spool_copy(struct kymo_spool *spool, FILE *out)
{
	char bytes[16384];
	size_t len;

	if (!spool->file)
		return 0;
	errno = 0;
	if (fflush(spool->file) != 0 || fseeko(spool->file, 0, SEEK_SET) != 0)
		return errno ? -errno : -EIO;
	while ((len = fread(bytes, 1, sizeof(bytes), spool->file)) > 0)
		(void)fwrite(bytes, 1, len, out);
	if (ferror(spool->file) || fseeko(spool->file, 0, SEEK_SET) != 0 ||
	    ftruncate(fileno(spool->file), 0) != 0)
		return errno ? -errno : -EIO;
	return 0;
}

void kymo_spool_done(struct kymo_spool *spool)
{
	if (spool->file)
		(void)fclose(spool->file); /* nobody needs what is in it */
	spool->file = NULL;
}
