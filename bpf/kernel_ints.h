#pragma once
/* Integer names as in user space's formats/events.h, for BPF programs. */
#include <stdbool.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
_Static_assert(sizeof(u64) == 8, "u64");
