/*
 * TCP between two ends in one thread, on the loopback device, so that all of its cost is on one
 * CPU. "connections N": N times connect, accept, close both. "requests N": on one connection, N
 * times 100 bytes there and back, four calls. Prints ns of CPU time per connection or request.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES                                                                       \
	200 /* of the loopback network: closed connections keep their ports for a while \
	     */
#define MESSAGE 100

static int failed(const char *what)
{
	perror(what);
	exit(1);
}

static double cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct sockaddr_in listen_anywhere(int *ret_listener)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	socklen_t len = sizeof(name);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    listen(listener, 64) < 0 || getsockname(listener, (struct sockaddr *)&name, &len) < 0)
		failed("listen");
	*ret_listener = listener;
	return name;
}

static void open_pair(int listener, struct sockaddr_in name, long number, int ret_ends[2])
{
	name.sin_addr.s_addr = htonl(0x7f000001u + (unsigned)(number % ADDRESSES));
	ret_ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (ret_ends[0] < 0 || connect(ret_ends[0], (struct sockaddr *)&name, sizeof(name)) < 0)
		failed("connect");
	ret_ends[1] = accept(listener, NULL, NULL);
	if (ret_ends[1] < 0)
		failed("accept");
}

static void pass(int from, int to)
{
	char bytes[MESSAGE] = {0};

	if (write(from, bytes, sizeof(bytes)) != MESSAGE || read(to, bytes, sizeof(bytes)) <= 0)
		failed("message");
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? atol(argv[2]) : 0;
	int listener, ends[2];
	struct sockaddr_in name;
	double begin_ns;

	if (count <= 0)
		return 2;
	name = listen_anywhere(&listener);
	begin_ns = cpu_ns();
	if (strcmp(argv[1], "connections") == 0) {
		for (long i = 0; i < count; i++) {
			open_pair(listener, name, i, ends);
			(void)close(ends[0]);
			(void)close(ends[1]);
		}
	} else {
		open_pair(listener, name, 0, ends);
		for (long i = 0; i < count; i++) {
			pass(ends[0], ends[1]);
			pass(ends[1], ends[0]);
		}
	}
	printf("%.1f\n", (cpu_ns() - begin_ns) / (double)count);
	return 0;
}
