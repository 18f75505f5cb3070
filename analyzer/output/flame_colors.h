#pragma once
/* Fill colours of flame graph frames: from the name alone, so that a function looks the same in
 * every picture. */
#include <stdint.h>

#include "analyzer/output/svg_flame.h"

/* 0xrrggbb */
uint32_t kymo_flame_color(const struct kymo_palette *palette, enum kymo_frame_kind kind,
			  const char *name, size_t len);
