#pragma once
/* Fill colours of flame graph frames: from the name alone, so that a function looks the same in
 * every picture. */
#include <stdint.h>

#include "analyzer/stats/stack_tree.h"

struct kymo_palette;

/* NULL if there is no such palette. kymo_palette_names lists them, with commas between. */
const struct kymo_palette *kymo_palette_by_name(const char *name);
const char *kymo_palette_names(void);

/* 0xrrggbb */
uint32_t kymo_flame_color(const struct kymo_palette *palette, enum kymo_frame_kind kind,
			  const char *name, size_t len);
