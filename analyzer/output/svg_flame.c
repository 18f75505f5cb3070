/*
 * Layout: title, captions, legend, frames, details line. Depth-first over the tree, twice: once to
 * learn the height, once to write.
 */
#include "analyzer/output/svg_flame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/output/flame_colors.h"
#include "analyzer/output/safe_text.h"
#include "analyzer/output/value_format.h"
#include "analyzer/output/xml_text.h"
#include "analyzer/web/web_assets.h"
#include "formats/base/cleanup.h"

#define MARGIN_PX 10
#define ROW_PX 17	 /* a frame and the gap above it */
#define FRAME_PX 16	 /* a frame */
#define CHAR_PX 6.63	 /* one column of the frames' 11 px fixed-width font */
#define NOTE_CHAR_PX 7.4 /* a column of the 12 px captions, on the wide side */
#define TITLE_CHAR_PX 12.2
#define TITLE_Y_PX 29
#define NOTE_ROW_PX 17
#define BUTTONS_PX 250 /* at the right of the title line */
#define FOOTER_PX 46   /* details, and below them what a search matched */
#define MIN_LABEL_COLUMNS 3

struct picture {
	FILE *out;
	const struct kymo_tree *tree;
	const struct kymo_flame_options *options;
	double frames_px; /* width of the root */
	double px_per_weight;
	uint64_t min_weight;  /* lighter frames are too narrow */
	uint64_t *next_start; /* by depth: where the next frame begins, in weight */
	uint32_t drawn_depth; /* of the deepest frame that is drawn */
	size_t hidden_count;
	double frames_top_px;
	double height_px;
};

/* -------- captions -------- */

/* Bytes of text up to where the line must break; all of it if it fits. */
static size_t line_bytes(const char *text, size_t len, size_t max_columns)
{
	size_t columns = 0, last_space = 0;

	for (size_t at = 0; at < len;) {
		struct kymo_visible visible = kymo_visible_next(text + at, len - at);

		if (text[at] == ' ')
			last_space = at;
		columns += visible.columns;
		if (columns > max_columns)
			return last_space ? last_space : at ? at : visible.consumed;
		at += visible.consumed;
	}
	return len;
}

/* Writes one caption as lines of text from y on, or only counts them (out NULL). Returns the y
 * after it. */
static double put_caption(const struct picture *picture, FILE *out,
			  const struct kymo_caption *caption, double y)
{
	size_t max_columns = (size_t)(picture->frames_px / NOTE_CHAR_PX);
	const char *text = caption->text;
	size_t len = strlen(text);

	while (len > 0) {
		size_t bytes = line_bytes(text, len, max_columns);

		if (out) {
			(void)fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%.0f\">",
				      caption->warning ? "note warning" : "note", MARGIN_PX, y);
			kymo_xml_write(out, text, bytes, 0);
			(void)fputs("</text>\n", out);
		}
		y += NOTE_ROW_PX;
		while (bytes < len && text[bytes] == ' ')
			bytes++;
		text += bytes;
		len -= bytes;
	}
	return y;
}

static double put_captions(const struct picture *picture, FILE *out)
{
	double y = TITLE_Y_PX + NOTE_ROW_PX + 3;

	for (size_t i = 0; i < picture->options->caption_count; i++)
		y = put_caption(picture, out, &picture->options->captions[i], y);
	return y;
}

/* -------- frames -------- */

static void begin_walk(struct picture *picture, size_t depth_count)
{
	memset(picture->next_start, 0, depth_count * sizeof(*picture->next_start));
}

/* Start of the node that the walk has reached, in weight. */
static uint64_t take_start(struct picture *picture, const struct kymo_tree_node *node)
{
	uint64_t start = picture->next_start[node->depth];

	picture->next_start[node->depth] = start + node->total;
	picture->next_start[node->depth + 1] = start;
	return start;
}

static uint32_t walk_on(const struct picture *picture, uint32_t at, bool below)
{
	return below ? kymo_tree_next(picture->tree, at) : kymo_tree_next_beside(picture->tree, at);
}

static void count_below(struct picture *picture, uint32_t at)
{
	uint32_t end = kymo_tree_next_beside(picture->tree, at);

	for (; at != end && at != 0; at = kymo_tree_next(picture->tree, at))
		picture->hidden_count++;
}

/* First walk: the depth to draw, and the number of frames that are too narrow. */
static void measure(struct picture *picture)
{
	uint32_t at = 0;

	do {
		const struct kymo_tree_node *node = kymo_tree_node(picture->tree, at);
		bool drawn = node->total >= picture->min_weight;

		if (drawn && node->depth > picture->drawn_depth)
			picture->drawn_depth = node->depth;
		if (!drawn)
			count_below(picture, at);
		at = walk_on(picture, at, drawn);
	} while (at != 0);
}

/* 1234567 as 1,234,567 */
static void put_count(FILE *out, uint64_t count)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			(void)fputc(',', out);
		(void)fputc(digits[i], out);
	}
}

static void put_time(FILE *out, uint64_t ns)
{
	struct kymo_value value = kymo_real((double)ns);
	char text[KYMO_NUMBER_BYTES];

	kymo_format_shown(&value, KYMO_SHOW_NS, text);
	(void)fputs(text, out);
}

static void put_frame_title(const struct picture *picture, const struct kymo_tree_node *node)
{
	uint64_t total = kymo_tree_node(picture->tree, 0)->total;
	FILE *out = picture->out;

	(void)fputs("<title>", out);
	if (node->depth == 0)
		(void)fputs("all", out);
	else
		kymo_xml_write(out, node->name, node->name_len, 0);
	if (node->kind == KYMO_FRAME_KERNEL)
		(void)fputs(" [kernel]", out);
	(void)fputs(" (", out);
	if (picture->options->count_is_ns)
		put_time(out, node->total);
	else
		put_count(out, node->total);
	(void)fputc(' ', out);
	kymo_xml_write(out, picture->options->count_name, strlen(picture->options->count_name), 0);
	(void)fprintf(out, ", %.2f %%)</title>", 100.0 * (double)node->total / (double)total);
}

static void put_frame(const struct picture *picture, const struct kymo_tree_node *node,
		      uint64_t start)
{
	double x = MARGIN_PX + (double)start * picture->px_per_weight;
	double width = (double)node->total * picture->px_per_weight;
	uint32_t row =
		picture->options->inverted ? node->depth : picture->drawn_depth - node->depth;
	double y = picture->frames_top_px + (double)row * ROW_PX;
	double columns = (width - 6.0) / CHAR_PX;
	const char *name = node->depth ? node->name : "all";
	size_t len = node->depth ? node->name_len : 3;
	enum kymo_frame_kind kind = node->depth ? node->kind : KYMO_FRAME_PROCESS;
	FILE *out = picture->out;

	(void)fprintf(out, "<g data-s=\"%" PRIu64 "\" data-n=\"%" PRIu64 "\">", start, node->total);
	put_frame_title(picture, node);
	(void)fprintf(out,
		      "<rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\" rx=\"1.5\" "
		      "fill=\"#%06x\"/>",
		      x, y, width, FRAME_PX,
		      kymo_flame_color(picture->options->palette, kind, name, len));
	if (columns >= MIN_LABEL_COLUMNS) {
		(void)fprintf(out, "<text x=\"%.2f\" y=\"%.0f\">", x + 3, y + ROW_PX - 5);
		kymo_xml_write(out, name, len, (size_t)columns);
		(void)fputs("</text>", out);
	}
	(void)fputs("</g>\n", out);
}

static void put_frames(struct picture *picture)
{
	uint32_t at = 0;

	(void)fputs("<g class=\"frames\">\n", picture->out);
	do {
		const struct kymo_tree_node *node = kymo_tree_node(picture->tree, at);
		uint64_t start = take_start(picture, node);
		bool drawn = node->total >= picture->min_weight;

		if (drawn)
			put_frame(picture, node, start);
		at = walk_on(picture, at, drawn);
	} while (at != 0);
	(void)fputs("</g>\n", picture->out);
}

/* -------- the rest -------- */

static void put_head(const struct picture *picture)
{
	const struct kymo_flame_options *options = picture->options;
	FILE *out = picture->out;

	(void)fprintf(
		out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kymo-flame\" version=\"1.1\" "
		"width=\"%u\" height=\"%.0f\" viewBox=\"0 0 %u %.0f\" "
		"data-left=\"%d\" data-width=\"%.2f\" data-char=\"%.2f\" data-row=\"%d\">\n",
		options->width_px, picture->height_px, options->width_px, picture->height_px,
		MARGIN_PX, picture->frames_px, CHAR_PX, ROW_PX);
	(void)fprintf(out, "<style><![CDATA[\n%s]]></style>\n", kymo_web_flame_css);
	(void)fputs("<rect class=\"back\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
		    out);
	(void)fprintf(out, "<text class=\"title\" x=\"%d\" y=\"%d\">", MARGIN_PX, TITLE_Y_PX);
	kymo_xml_write(
		out, options->title, strlen(options->title),
		(size_t)((picture->frames_px - BUTTONS_PX > 120 ? picture->frames_px - BUTTONS_PX
								: 120) /
			 TITLE_CHAR_PX));
	(void)fputs("</text>\n", out);
	/* Buttons show only where the script runs. */
	(void)fprintf(
		out,
		"<text class=\"button unzoom gone\" role=\"button\" tabindex=\"0\" x=\"%u\" "
		"y=\"%d\" "
		"text-anchor=\"end\">Reset zoom</text>\n"
		"<text class=\"button search gone\" role=\"button\" tabindex=\"0\" x=\"%u\" "
		"y=\"%d\" "
		"text-anchor=\"end\">Search</text>\n"
		"<text class=\"button case gone\" role=\"button\" tabindex=\"0\" x=\"%u\" y=\"%d\" "
		"text-anchor=\"end\">ic<title>Ignore case while searching "
		"(Ctrl-I)</title></text>\n",
		options->width_px - MARGIN_PX - 140, TITLE_Y_PX, options->width_px - MARGIN_PX - 34,
		TITLE_Y_PX, options->width_px - MARGIN_PX, TITLE_Y_PX);
}

static double put_swatch(const struct picture *picture, double x, double y,
			 enum kymo_frame_kind kind, const char *text)
{
	(void)fprintf(
		picture->out,
		"<rect x=\"%.0f\" y=\"%.0f\" width=\"11\" height=\"11\" rx=\"1.5\" fill=\"#%06x\"/>"
		"<text x=\"%.0f\" y=\"%.0f\">%s</text>\n",
		x, y - 10, kymo_flame_color(picture->options->palette, kind, "main", 4), x + 16, y,
		text);
	return x + 16 + (double)strlen(text) * NOTE_CHAR_PX + 16;
}

static void put_legend(const struct picture *picture, double y)
{
	double x = MARGIN_PX;

	(void)fputs("<g class=\"legend\">\n", picture->out);
	x = put_swatch(picture, x, y, KYMO_FRAME_USER, "user");
	x = put_swatch(picture, x, y, KYMO_FRAME_KERNEL, "kernel");
	x = put_swatch(picture, x, y, KYMO_FRAME_UNNAMED, "without a name");
	if (picture->hidden_count > 0)
		(void)fprintf(
			picture->out,
			"<text x=\"%.0f\" y=\"%.0f\">%zu narrower than %g px not drawn</text>\n", x,
			y, picture->hidden_count, picture->options->min_width_px);
	(void)fputs("</g>\n", picture->out);
}

static void put_foot(const struct picture *picture)
{
	double y = picture->height_px - 28;

	(void)fprintf(picture->out,
		      "<text class=\"details\" x=\"%d\" y=\"%.0f\"> </text>\n"
		      "<text class=\"matched\" x=\"%u\" y=\"%.0f\" text-anchor=\"end\"> </text>\n"
		      "<script><![CDATA[\n%s]]></script>\n</svg>\n",
		      MARGIN_PX, y, picture->options->width_px - MARGIN_PX, y + NOTE_ROW_PX,
		      kymo_web_flame_js);
}

static uint32_t deepest(const struct kymo_tree *tree)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i < kymo_tree_node_count(tree); i++)
		if (kymo_tree_node(tree, i)->depth > depth)
			depth = kymo_tree_node(tree, i)->depth;
	return depth;
}

static void write_picture(struct picture *picture, size_t depth_count)
{
	uint64_t total = kymo_tree_node(picture->tree, 0)->total;
	double legend_y;

	if (total > 0) {
		picture->px_per_weight = picture->frames_px / (double)total;
		picture->min_weight =
			(uint64_t)(picture->options->min_width_px / picture->px_per_weight);
		if (picture->min_weight == 0)
			picture->min_weight = 1;
		if (picture->min_weight > total)
			picture->min_weight = total;
		measure(picture);
	}
	legend_y = put_captions(picture, NULL) + 3;
	picture->frames_top_px = legend_y + 14;
	picture->height_px =
		picture->frames_top_px + (double)(picture->drawn_depth + 1) * ROW_PX + FOOTER_PX;
	put_head(picture);
	(void)put_captions(picture, picture->out);
	if (total > 0) {
		put_legend(picture, legend_y);
		begin_walk(picture, depth_count);
		put_frames(picture);
	} else {
		(void)fprintf(picture->out,
			      "<text class=\"note\" x=\"%d\" y=\"%.0f\">No samples.</text>\n",
			      MARGIN_PX, legend_y);
	}
	put_foot(picture);
}

int kymo_svg_flame(FILE *out, const struct kymo_tree *tree,
		   const struct kymo_flame_options *options, struct cap_err *err)
{
	size_t depth_count = (size_t)deepest(tree) + 2;
	CLEANUP(cap_freep) uint64_t *next_start = calloc(depth_count, sizeof(*next_start));
	struct picture picture = {
		.out = out,
		.tree = tree,
		.options = options,
		.frames_px = options->width_px - 2.0 * MARGIN_PX,
		.next_start = next_start,
	};

	if (!next_start)
		return cap_fail(err, -ENOMEM, "flame graph");
	errno = 0;
	write_picture(&picture, depth_count);
	if (fflush(out) != 0 || ferror(out))
		return cap_fail_errno(err, errno ? errno : EIO, "write the flame graph");
	return 0;
}
