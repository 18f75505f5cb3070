/* Ranks count single events and counted calls together: the power of two of a rank is known exactly
 * for both. Only within one that holds counted calls is a value estimated. */
#include "analyzer/stats/syscall_ranks.h"

#include <errno.h>

const u32 kymo_quantile_permille[KYMO_QUANTILES] = {500, 900, 990, 999};

struct group_part { /* what there is of one group */
	struct kymo_syscall_group *group;
	u32 number; /* of the targets */
	const struct cap_word_slot *steps;
	size_t step_count;
	const struct kymo_counted_cell *cells;
	size_t cell_count;
};

/* -------- single events -------- */

struct single_place { /* where the walk through the steps of a group is */
	size_t at;
	u64 before;
};

/* The first and the last rank are known already: most groups are small, and need no more. */
static int want_single(struct kymo_rank_select *select, const struct group_part *part, u32 q,
		       u64 rank, struct single_place *place)
{
	struct kymo_syscall_group *group = part->group;
	struct kymo_rank_target target = {.group = part->number, .quantile = q, .rank = rank};

	if (rank == 1 || rank == group->finished - group->counted_finished) {
		group->quantile_ns[q] = rank == 1 ? group->min_ns : group->max_ns;
		return 0;
	}
	while (place->at + 1 < part->step_count &&
	       place->before + part->steps[place->at].value < rank)
		place->before += part->steps[place->at++].value;
	target.before = place->before;
	target.count = part->steps[place->at].value;
	kymo_step_bounds((u32)part->steps[place->at].b, &target.low, &target.high);
	return kymo_rank_select_want(select, &target);
}

static int single_targets(struct kymo_rank_select *select, const struct group_part *part)
{
	struct single_place place = {0};

	for (u32 q = 0; q < KYMO_QUANTILES; q++) {
		u64 rank = kymo_rank_of(part->group->finished, kymo_quantile_permille[q]);

		if (want_single(select, part, q, rank, &place) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* -------- single events and counted calls -------- */

struct joined_place { /* a power of two of both */
	u32 bucket;
	size_t step, step_end; /* single events in it */
	size_t cell;	       /* counted calls in it, if the cell there is of this bucket */
	u64 single_calls;
	u64 before, single_before; /* all calls, and single events, below it */
};

static void enter_bucket(const struct group_part *part, struct joined_place *place)
{
	place->step = place->step_end;
	place->single_calls = 0;
	while (place->step_end < part->step_count &&
	       kymo_step_log2((u32)part->steps[place->step_end].b) == place->bucket)
		place->single_calls += part->steps[place->step_end++].value;
	while (place->cell < part->cell_count && part->cells[place->cell].bucket < place->bucket)
		place->cell++;
}

static const struct kymo_counted_cell *cell_here(const struct group_part *part,
						 const struct joined_place *place)
{
	const struct kymo_counted_cell *cell = &part->cells[place->cell];

	return place->cell < part->cell_count && cell->bucket == place->bucket ? cell : NULL;
}

static u64 calls_here(const struct group_part *part, const struct joined_place *place)
{
	const struct kymo_counted_cell *cell = cell_here(part, place);

	return kymo_counted_sum(place->single_calls, cell ? cell->calls : 0);
}

static int joined_targets(struct kymo_rank_select *select, const struct group_part *part)
{
	struct kymo_syscall_group *group = part->group;
	struct joined_place place = {0};
	struct single_place single = {0};

	enter_bucket(part, &place);
	for (u32 q = 0; q < KYMO_QUANTILES; q++) {
		u64 rank = kymo_rank_of(group->finished, kymo_quantile_permille[q]);
		const struct kymo_counted_cell *cell;

		while (place.bucket + 1 < KYMO_COUNTED_BUCKETS &&
		       kymo_counted_sum(place.before, calls_here(part, &place)) < rank) {
			place.before = kymo_counted_sum(place.before, calls_here(part, &place));
			place.single_before += place.single_calls;
			place.bucket++;
			enter_bucket(part, &place);
		}
		cell = cell_here(part, &place);
		if (cell) {
			const struct kymo_counted_steps steps = {
				part->steps ? part->steps + place.step : NULL,
				place.step_end - place.step, kymo_step_bounds};

			group->quantile_ns[q] =
				kymo_counted_estimate(cell, &steps, rank - place.before);
			group->estimated |= KYMO_ESTIMATED_QUANTILE(q);
		} else if (part->step_count > 0 &&
			   want_single(select, part, q, rank - place.before + place.single_before,
				       &single) < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* -------- all groups -------- */

static struct group_part next_part(const struct kymo_rank_input *input, u32 index, size_t *step_at,
				   size_t *cell_at)
{
	const struct kymo_counted *counted = input->counted;
	struct group_part part = {.group = &input->groups[index],
				  .steps = input->steps ? input->steps + *step_at : NULL,
				  .cells = counted->cells ? counted->cells + *cell_at : NULL};

	while (*step_at < input->step_count && input->steps[*step_at].a == index) {
		(*step_at)++;
		part.step_count++;
	}
	while (*cell_at < counted->count && counted->cells[*cell_at].group == index) {
		(*cell_at)++;
		part.cell_count++;
	}
	return part;
}

int kymo_rank_targets(struct kymo_rank_select *select, u32 first_number,
		      const struct kymo_rank_input *input)
{
	size_t step_at = 0, cell_at = 0;
	int rc = 0;

	for (u32 i = 0; rc == 0 && i < input->group_count; i++) {
		struct group_part part = next_part(input, i, &step_at, &cell_at);

		part.number = first_number + i;
		if (part.cell_count > 0)
			rc = joined_targets(select, &part);
		else if (part.step_count > 0)
			rc = single_targets(select, &part);
	}
	return rc;
}

void kymo_rank_answers(struct kymo_rank_select *select, size_t first_target, size_t target_end,
		       const struct kymo_kept *kept, u32 first_number, const u32 *members,
		       const u32 *first_member)
{
	for (size_t i = first_target; i < target_end; i++) {
		struct kymo_rank_target *target = &select->targets[i];
		const u32 *first = &first_member[target->group - first_number];
		u64 value;

		if (target->low < target->high &&
		    kymo_kept_value(kept, members + first[0], first[1] - first[0],
				    kymo_step_of(target->low), target->rank - target->before,
				    &value))
			target->low = target->high = value;
	}
}

/* The first and the last rank are known where the shortest and the longest are. */
static void settle_estimate(struct kymo_syscall_group *group, u32 q)
{
	u64 rank = kymo_rank_of(group->finished, kymo_quantile_permille[q]);
	bool is_min = !(group->estimated & KYMO_BOUND_MIN) &&
		      (rank == 1 || group->min_ns == group->max_ns);
	bool is_max = !(group->estimated & KYMO_BOUND_MAX) && rank == group->finished;

	if (!(group->estimated & KYMO_ESTIMATED_QUANTILE(q)))
		return;
	if (group->quantile_ns[q] < group->min_ns || is_min)
		group->quantile_ns[q] = group->min_ns;
	if (group->quantile_ns[q] > group->max_ns || is_max)
		group->quantile_ns[q] = group->max_ns;
	if (is_min || is_max)
		group->estimated &= ~KYMO_ESTIMATED_QUANTILE(q);
}

static void join_bounds(const struct group_part *part)
{
	struct kymo_syscall_group *group = part->group;
	bool any_single = group->finished > group->counted_finished;
	u64 least_low = any_single ? group->min_ns : UINT64_MAX, least_high = least_low;
	u64 most_high = any_single ? group->max_ns : 0, most_low = most_high;

	for (size_t i = 0; i < part->cell_count; i++) {
		const struct kymo_counted_cell *cell = &part->cells[i];

		if (cell->least_low_ns < least_low)
			least_low = cell->least_low_ns;
		if (cell->least_high_ns < least_high)
			least_high = cell->least_high_ns;
		if (cell->most_low_ns > most_low)
			most_low = cell->most_low_ns;
		if (cell->most_high_ns > most_high)
			most_high = cell->most_high_ns;
	}
	group->min_ns = least_low;
	group->max_ns = most_high;
	group->estimated |= (least_low < least_high ? KYMO_BOUND_MIN : 0) |
			    (most_low < most_high ? KYMO_BOUND_MAX : 0);
	for (u32 q = 0; q < KYMO_QUANTILES; q++)
		settle_estimate(group, q);
}

void kymo_rank_bounds(const struct kymo_rank_input *input)
{
	size_t step_at = 0, cell_at = 0;

	for (u32 i = 0; i < input->group_count; i++) {
		struct group_part part = next_part(input, i, &step_at, &cell_at);

		if (part.cell_count > 0)
			join_bounds(&part);
	}
}
