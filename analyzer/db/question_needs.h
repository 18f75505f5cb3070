#pragma once
/* What a question in SQL needs of a capture, found out before the capture is read. */

/* enum kymo_need, ored, by the tables and columns that the question reads through whatever views.
 * All where it cannot be told: a question that is no SQL gets its error later. */
unsigned kymo_question_needs(const char *sql);
