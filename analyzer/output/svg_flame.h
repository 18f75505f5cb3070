#pragma once
/*
 * A flame graph as one self-contained SVG file: complete as a still picture, with zoom and search
 * where scripts may run. Names are untrusted: they appear only as escaped text, never in a script,
 * a style or an active attribute.
 */
#include <stdbool.h>
#include <stdio.h>

#include "analyzer/output/flame_colors.h"
#include "analyzer/stats/stack_tree.h"
#include "formats/base/cap_error.h"

#define KYMO_FLAME_MIN_WIDTH_PX 200
#define KYMO_FLAME_MAX_WIDTH_PX 100000

struct kymo_caption {
	const char *text; /* untrusted; wrapped at spaces */
	bool warning;	  /* something is missing from the picture */
};

struct kymo_flame_options {
	const char *title;
	unsigned width_px;	/* KYMO_FLAME_MIN_WIDTH_PX..KYMO_FLAME_MAX_WIDTH_PX */
	double min_width_px;	/* narrower frames are not drawn, but counted in the caption */
	bool inverted;		/* root at the top */
	const char *count_name; /* "samples" */
	bool count_is_ns;	/* weights are ns: shown as times */
	const struct kymo_palette *palette;
	const struct kymo_caption *captions;
	size_t caption_count;
};

/* Writes the picture of a finished tree. Same input, same bytes. 0, -ENOMEM, or the error of
 * writing. */
int kymo_svg_flame(FILE *out, const struct kymo_tree *tree,
		   const struct kymo_flame_options *options, struct cap_err *err);
