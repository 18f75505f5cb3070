/*
 * Plants words in its stack, of the kinds that a recorder should keep and of those it should not,
 * and uses the CPU (or waits) below them. One line of JSON for each way to have a stack: what was
 * planted where, between which times, and, where that differs, which pages are not there.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define CPU_NS 250000000ll
#define ROUNDS 3000000
#define MAX_PLANTED 256
#define SECRET 0x5ec4e75ec4e75ec4ull
#define PAGE 4096ul

struct planted {
	uint64_t address, value;
};

static struct {
	const char *mode;
	struct planted words[MAX_PLANTED];
	int count;
	uint64_t secrets[MAX_PLANTED];
	int secret_count;
	uint64_t holes[64];
	int hole_count;
	int64_t from_ns, to_ns;
	pid_t tid;
	bool waits;
} plan;

static int64_t now_ns(clockid_t clock)
{
	struct timespec at;

	(void)clock_gettime(clock, &at); /* cannot fail for these */
	return at.tv_sec * 1000000000ll + at.tv_nsec;
}

/* The only code in which samples are looked at. */
extern const char spin_begin[], spin_end[];

static __attribute__((noinline)) void spin_once(void)
{
	uint64_t rounds = ROUNDS;

	__asm__ volatile(
		".globl spin_begin, spin_end\nspin_begin: dec %0\njnz spin_begin\nspin_end:"
		: "+r"(rounds));
}

/* Words in the red zone: below the stack pointer, without a frame. */
extern const char red_begin[], red_end[];

static __attribute__((noinline)) uint64_t red_once(uint64_t code, uint64_t rounds)
{
	uint64_t sp;

	__asm__ volatile(".globl red_begin, red_end\n"
			 "mov %%rsp, %0\n"
			 "mov %2, -128(%%rsp)\n"
			 "mov %0, -64(%%rsp)\n"
			 "mov %2, -16(%%rsp)\n"
			 "red_begin: dec %1\n"
			 "jnz red_begin\n"
			 "red_end:\n"
			 : "=&r"(sp), "+r"(rounds)
			 : "r"(code)
			 : "memory");
	return sp;
}

static void plant(volatile uint64_t *place, uint64_t value)
{
	*place = value;
	plan.words[plan.count++] = (struct planted){(uint64_t)(uintptr_t)place, value};
}

static void plant_secret(volatile uint64_t *place, uint64_t value)
{
	*place = value;
	plan.secrets[plan.secret_count++] = (uint64_t)(uintptr_t)place;
}

static uint64_t code_address(void)
{
	return (uint64_t)(uintptr_t)&plant + 1;
}

/* Which pages below `from` and from `low` on are not in memory. */
static void note_holes(uint64_t low, uint64_t from)
{
	for (uint64_t page = low & ~(PAGE - 1); page < from; page += PAGE) {
		unsigned char there = 0;

		if (mincore((void *)(uintptr_t)page, PAGE, &there) == 0 && !(there & 1) &&
		    plan.hole_count < 64)
			plan.holes[plan.hole_count++] = page;
	}
}

static void print_plan(const char *begin, const char *end)
{
	printf("{\"mode\":\"%s\",\"tid\":%d,\"from_ns\":%lld,\"to_ns\":%lld,\"begin\":%llu,\"end\":"
	       "%llu,\"words\":[",
	       plan.mode, (int)plan.tid, (long long)plan.from_ns, (long long)plan.to_ns,
	       (unsigned long long)(uintptr_t)begin, (unsigned long long)(uintptr_t)end);
	for (int i = 0; i < plan.count; i++)
		printf("%s[%llu,%llu]", i ? "," : "", (unsigned long long)plan.words[i].address,
		       (unsigned long long)plan.words[i].value);
	printf("],\"secrets\":[");
	for (int i = 0; i < plan.secret_count; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)plan.secrets[i]);
	printf("],\"holes\":[");
	for (int i = 0; i < plan.hole_count; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)plan.holes[i]);
	printf("]}\n");
	(void)fflush(stdout);
}

static __attribute__((noinline)) void work(void)
{
	int64_t end_ns;

	plan.tid = (pid_t)syscall(SYS_gettid);
	plan.from_ns = now_ns(CLOCK_MONOTONIC);
	if (plan.waits) {
		for (int i = 0; i < 20; i++)
			(void)usleep(20000);
	} else {
		end_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) + CPU_NS;
		while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
			spin_once();
	}
	plan.to_ns = now_ns(CLOCK_MONOTONIC);
}

/* Frames of at least so many bytes each, the words at their lower ends. */
static __attribute__((noinline)) void descend(int depth, size_t bytes)
{
	volatile uint64_t *frame = __builtin_alloca(bytes);

	plant(&frame[0], code_address());
	plant(&frame[1], (uint64_t)(uintptr_t)&frame[2]);
	plant_secret(&frame[2], SECRET);
	plant_secret(&frame[3], (uint64_t)(uintptr_t)frame + 5); /* no address of a word */
	if (depth > 1)
		descend(depth - 1, bytes);
	else
		work();
	__asm__ volatile("" : : "r"(frame) : "memory"); /* no tail call: the frame stays */
}

/* A big buffer that nobody writes to, and frames below it. */
static __attribute__((noinline)) void descend_over_hole(void)
{
	char *buffer = __builtin_alloca(20 * 1024);
	uint64_t end = (uint64_t)(uintptr_t)__builtin_frame_address(0);

	__asm__ volatile("" : : "r"(buffer) : "memory");
	descend(2, 256);
	note_holes(plan.words[plan.count - 1].address - 2048, end);
	__asm__ volatile("" : : "r"(buffer) : "memory");
}

static void begin(const char *mode)
{
	memset(&plan, 0, sizeof(plan));
	plan.mode = mode;
}

static void finish(void)
{
	print_plan(spin_begin, spin_end);
}

static void *thread_main(void *argument)
{
	(void)argument;
	descend(10, 256);
	return NULL;
}

static void *hole_main(void *argument)
{
	(void)argument;
	descend(2, 256);
	plan.count = plan.secret_count = 0; /* only warmed up: libraries have touched their pages */
	descend_over_hole();
	return NULL;
}

static void in_thread(const char *mode, void *(*run)(void *))
{
	const size_t bytes = 256 * 1024;
	char *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;

	if (stack == MAP_FAILED)
		exit(1);
	(void)madvise(stack, bytes, MADV_NOHUGEPAGE); /* a huge page has no holes */
	begin(mode);
	if (pthread_attr_init(&attributes) || pthread_attr_setstack(&attributes, stack, bytes) ||
	    pthread_create(&thread, &attributes, run, NULL) || pthread_join(thread, NULL))
		exit(1);
	finish();
}

static void on_signal(int number)
{
	(void)number;
	descend(3, 256);
}

static void on_other_stack(void)
{
	static char other[64 * 1024] __attribute__((aligned(4096)));
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	const stack_t stack = {.ss_sp = other, .ss_size = sizeof(other)};

	/* How far down the kernel's frame reaches depends on the CPU's registers: all pages are
	 * there.
	 */
	memset(other, 0, sizeof(other));
	if (sigaltstack(&stack, NULL) || sigaction(SIGUSR1, &action, NULL))
		exit(1);
	begin("altstack");
	(void)raise(SIGUSR1);
	finish();
}

static ucontext_t here;

static void context_main(void)
{
	descend(10, 1024); /* more than the least that is copied */
}

/* Far from all that the recorder knows to be above stacks. */
static void on_unknown_stack(void)
{
	const size_t far_bytes = 64ul << 20, bytes = 64 * 1024;
	char *far_away = mmap(NULL, far_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ucontext_t there;

	if (far_away == MAP_FAILED || getcontext(&there))
		exit(1);
	memset(far_away, 0, bytes);
	there.uc_stack.ss_sp = far_away;
	there.uc_stack.ss_size = bytes;
	there.uc_link = &here;
	begin("unknown");
	makecontext(&there, context_main, 0);
	if (swapcontext(&here, &there))
		exit(1);
	finish();
}

static void in_red_zone(void)
{
	const uint64_t code = code_address();
	int64_t end_ns;
	uint64_t sp = 0;

	begin("redzone");
	plan.tid = (pid_t)syscall(SYS_gettid);
	plan.from_ns = now_ns(CLOCK_MONOTONIC);
	end_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) + CPU_NS;
	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
		sp = red_once(code, ROUNDS);
	plan.to_ns = now_ns(CLOCK_MONOTONIC);
	plan.words[plan.count++] = (struct planted){sp - 16, code};
	plan.words[plan.count++] = (struct planted){sp - 64, sp};
	plan.words[plan.count++] = (struct planted){sp - 128, code};
	print_plan(red_begin, red_end);
}

int main(void)
{
	begin("main");
	descend(10, 256);
	finish();
	begin("deep");
	descend(40, 1500);
	finish();
	in_thread("thread", thread_main);
	in_thread("hole", hole_main);
	on_other_stack();
	on_unknown_stack();
	in_red_zone();
	begin("waits");
	plan.waits = true;
	descend(10, 256);
	finish();
	return 0;
}
