/* A name is still told from others after 16 characters, mostly; that which a row is about stands in
 * the first column, and gets more. So do sentences, which stand in the last one. */
#include "analyzer/output/table_layout.h"

#include <string.h>

#define LEAST_FIRST 24
#define LEAST_NAME 16
#define LEAST_SENTENCE 32
#define LEAST 4 /* "ab.." */

static size_t last_shown(const struct kymo_layout_column *columns, size_t count)
{
	while (count > 1 && !columns[count - 1].shown)
		count--;
	return count - 1;
}

/* The width that a column is not cut below while others can be left out. */
static size_t least_of(const struct kymo_layout_column *columns, size_t i, size_t last)
{
	size_t least = i == 0 ? LEAST_FIRST : i == last ? LEAST_SENTENCE : LEAST_NAME;

	return columns[i].is_text && columns[i].width > least ? least : columns[i].width;
}

static size_t needed(const struct kymo_layout_column *columns, size_t count, size_t gap, bool cut)
{
	size_t last = last_shown(columns, count), sum = 0, shown = 0;

	for (size_t i = 0; i < count; i++) {
		if (!columns[i].shown)
			continue;
		sum += cut ? least_of(columns, i, last) : columns[i].width;
		shown++;
	}
	return sum + (shown ? (shown - 1) * gap : 0);
}

static void leave_out(struct kymo_layout_column *columns, size_t count, const char *name,
		      size_t name_len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(columns[i].name) == name_len &&
		    memcmp(columns[i].name, name, name_len) == 0)
			columns[i].shown = false;
	}
}

static size_t shown_count(const struct kymo_layout_column *columns, size_t count)
{
	size_t shown = 0;

	for (size_t i = 0; i < count; i++)
		shown += columns[i].shown;
	return shown;
}

/* The text that can give the most. */
static struct kymo_layout_column *widest(struct kymo_layout_column *columns, size_t count,
					 bool to_names)
{
	size_t last = last_shown(columns, count), most = 0;
	struct kymo_layout_column *found = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t least = to_names ? least_of(columns, i, last) : LEAST;

		if (columns[i].shown && columns[i].is_text && columns[i].width > least &&
		    columns[i].width - least > most) {
			most = columns[i].width - least;
			found = &columns[i];
		}
	}
	return found;
}

static void cut_texts(struct kymo_layout_column *columns, size_t count, size_t gap, size_t room,
		      bool to_names)
{
	struct kymo_layout_column *column;

	while (needed(columns, count, gap, false) > room &&
	       (column = widest(columns, count, to_names)) != NULL)
		column->width--;
}

bool kymo_layout_fit(struct kymo_layout_column *columns, size_t count, size_t gap, size_t room,
		     const char *expendable)
{
	if (count == 0 || needed(columns, count, gap, false) <= room)
		return false;
	for (size_t i = 0; i < count; i++) {
		columns[i].width = columns[i].brief;
		if (columns[i].is_text && columns[i].width > room)
			columns[i].width = room; /* of a hostile name: it is cut step by step */
	}
	while (expendable && *expendable && needed(columns, count, gap, true) > room &&
	       shown_count(columns, count) > 1) {
		size_t len = strcspn(expendable, " ");

		leave_out(columns, count, expendable, len);
		expendable += len + (expendable[len] == ' ');
	}
	cut_texts(columns, count, gap, room, true);
	cut_texts(columns, count, gap, room, false);
	while (needed(columns, count, gap, false) > room && shown_count(columns, count) > 1)
		columns[last_shown(columns, count)].shown = false;
	return true;
}
