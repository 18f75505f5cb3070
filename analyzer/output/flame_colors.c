/*
 * The hue comes from the first part of a name (namespace, prefix), the lightness from all of it:
 * related names look alike, neighbours still differ. Kernel frames have their own hue; frames
 * without a name are pale.
 */
#include "analyzer/output/flame_colors.h"

#include <math.h>
#include <string.h>

/* PALETTE(name, lowest hue, highest hue, saturation, kernel's lowest hue, kernel's highest hue);
 * degrees and percent */
#define PALETTES                              \
	PALETTE(hot, 8, 50, 88, 198, 222)     \
	PALETTE(mem, 95, 150, 52, 198, 222)   \
	PALETTE(io, 200, 228, 65, 18, 40)     \
	PALETTE(red, 352, 372, 75, 198, 222)  \
	PALETTE(orange, 22, 38, 88, 198, 222) \
	PALETTE(yellow, 46, 58, 85, 198, 222) \
	PALETTE(green, 85, 150, 50, 198, 222) \
	PALETTE(aqua, 168, 190, 50, 18, 40)   \
	PALETTE(blue, 204, 228, 65, 18, 40)   \
	PALETTE(purple, 262, 290, 52, 18, 40) \
	PALETTE(grey, 30, 40, 4, 198, 222)

struct kymo_palette {
	const char *name;
	uint16_t low_hue, high_hue, saturation, kernel_low_hue, kernel_high_hue;
};

static const struct kymo_palette palettes[] = {
#define PALETTE(name, low, high, saturation, kernel_low, kernel_high) \
	{#name, low, high, saturation, kernel_low, kernel_high},
	PALETTES
#undef PALETTE
};

const struct kymo_palette *kymo_palette_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(palettes) / sizeof(palettes[0]); i++)
		if (strcmp(palettes[i].name, name) == 0)
			return &palettes[i];
	return NULL;
}

const char *kymo_palette_names(void)
{
#define PALETTE(name, ...) ", " #name
	static const char names[] = PALETTES;
#undef PALETTE
	return names + 2;
}

static uint32_t channel(double value)
{
	return (uint32_t)(value * 255.0 + 0.5);
}

/* hue in degrees, the others 0..1 */
static uint32_t from_hsl(double hue, double saturation, double lightness)
{
	double chroma = (1.0 - fabs(2.0 * lightness - 1.0)) * saturation;
	double sector = fmod(hue, 360.0) / 60.0;
	double second = chroma * (1.0 - fabs(fmod(sector, 2.0) - 1.0));
	double base = lightness - chroma / 2.0;
	double rgb[3] = {0, 0, 0};
	static const int order[6][2] = {{0, 1}, {1, 0}, {1, 2}, {2, 1}, {2, 0}, {0, 2}};

	rgb[order[(int)sector % 6][0]] = chroma;
	rgb[order[(int)sector % 6][1]] = second;
	return channel(rgb[0] + base) << 16 | channel(rgb[1] + base) << 8 | channel(rgb[2] + base);
}

/* 0..1 */
static double hash_share(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	hash ^= hash >> 33; /* short names barely change the high bits */
	hash *= 0xff51afd7ed558ccdu;
	hash ^= hash >> 33;
	return (double)(hash >> 11) / (double)(1ull << 53);
}

static size_t first_part(const char *name, size_t len)
{
	size_t at = 0;

	while (at < len && name[at] == '_')
		at++;
	while (at < len && !strchr("_:.<(+@", name[at]))
		at++;
	return at;
}

uint32_t kymo_flame_color(const struct kymo_palette *palette, enum kymo_frame_kind kind,
			  const char *name, size_t len)
{
	double family = hash_share(name, first_part(name, len));
	double own = hash_share(name, len);
	double low = palette->low_hue, high = palette->high_hue;

	switch (kind) {
	case KYMO_FRAME_PROCESS:
		return from_hsl(35, 0.12, 0.84);
	case KYMO_FRAME_KERNEL:
		low = palette->kernel_low_hue;
		high = palette->kernel_high_hue;
		return from_hsl(low + family * (high - low), 0.55, 0.70 + 0.10 * own);
	case KYMO_FRAME_UNNAMED:
		return from_hsl(low + family * (high - low), palette->saturation / 300.0,
				0.80 + 0.06 * own);
	case KYMO_FRAME_USER:
		break;
	}
	return from_hsl(low + family * (high - low), palette->saturation / 100.0,
			0.60 + 0.14 * own);
}
