/* enum skb_drop_reason, as the kernel's BTF has it. */
#include "recorder/live/drop_reasons.h"

#include <stdlib.h>
#include <string.h>

#include "formats/base/cleanup.h"
#include "recorder/live/kernel_btf.h"

#define MAX_REASONS 1024u /* subsystems have numbers of their own above these */
#define ENUM_NAME "skb_drop_reason"

static const char *without_prefix(const char *name)
{
	static const char *const prefixes[] = {"SKB_DROP_REASON_", "SKB_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name + strlen(prefixes[i]);
	return name;
}

static void add_names(struct live_drop_reasons *reasons, const struct live_kernel_btf *types,
		      const struct btf_type *type)
{
	const struct btf_enum *values = (const struct btf_enum *)(type + 1);

	reasons->names = calloc(MAX_REASONS, sizeof(*reasons->names));
	if (!reasons->names)
		return;
	reasons->count = MAX_REASONS;
	for (u32 i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		u32 number = (u32)values[i].val;

		if (values[i].name_off < types->string_bytes && number < MAX_REASONS &&
		    !reasons->names[number])
			reasons->names[number] =
				strdup(without_prefix(types->strings + values[i].name_off));
	}
}

void live_drop_reasons_read(struct live_drop_reasons *ret_reasons)
{
	CLEANUP(live_kernel_btf_done) struct live_kernel_btf types = {0};
	const struct btf_type *type;
	u32 id;

	*ret_reasons = (struct live_drop_reasons){0};
	if (live_kernel_btf_read(&types) < 0)
		return;
	type = live_kernel_btf_find(&types, BTF_KIND_ENUM, ENUM_NAME, &id);
	if (type)
		add_names(ret_reasons, &types, type);
}

void live_drop_reasons_done(struct live_drop_reasons *reasons)
{
	for (u32 i = 0; i < reasons->count; i++)
		free(reasons->names[i]);
	free(reasons->names);
	*reasons = (struct live_drop_reasons){0};
}

const char *live_drop_reason(const struct live_drop_reasons *reasons, u32 number)
{
	return number < reasons->count ? reasons->names[number] : NULL;
}
