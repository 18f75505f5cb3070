#pragma once
/* Integers by their width, in user space and in BPF programs, which have no stdint.h. */
#ifdef __bpf__
#include <stdbool.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
#else
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif
_Static_assert(sizeof(u64) == 8, "u64");
