/*
 * zlib for the static kymo-record: every function refuses. libelf would compress and decompress
 * sections with it, libbpf read /proc/config.gz for programs that ask for kernel settings; ours are
 * not compressed and ask for none. What can be reached (--btf with a strange file) ends in an
 * error.
 */
#include <zlib.h>

int deflateInit_(z_streamp stream, int level, const char *version, int stream_size)
{
	(void)stream, (void)level, (void)version, (void)stream_size;
	return Z_VERSION_ERROR;
}

int deflate(z_streamp stream, int flush)
{
	(void)stream, (void)flush;
	return Z_STREAM_ERROR;
}

int deflateEnd(z_streamp stream)
{
	(void)stream;
	return Z_STREAM_ERROR;
}

int inflateInit_(z_streamp stream, const char *version, int stream_size)
{
	(void)stream, (void)version, (void)stream_size;
	return Z_VERSION_ERROR;
}

int inflate(z_streamp stream, int flush)
{
	(void)stream, (void)flush;
	return Z_STREAM_ERROR;
}

int inflateReset(z_streamp stream)
{
	(void)stream;
	return Z_STREAM_ERROR;
}

int inflateEnd(z_streamp stream)
{
	(void)stream;
	return Z_STREAM_ERROR;
}

gzFile gzopen64(const char *path, const char *mode)
{
	(void)path, (void)mode;
	return NULL;
}

gzFile gzopen(const char *path, const char *mode)
{
	(void)path, (void)mode;
	return NULL;
}

char *gzgets(gzFile file, char *text, int text_size)
{
	(void)file, (void)text, (void)text_size;
	return NULL;
}

int gzclose(gzFile file)
{
	(void)file;
	return Z_STREAM_ERROR;
}
