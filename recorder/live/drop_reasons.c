/* enum skb_drop_reason, as the kernel's BTF has it. */
#include "recorder/live/drop_reasons.h"

#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REASONS 1024u /* subsystems have numbers of their own above these */

static const char *without_prefix(const char *name)
{
	static const char *const prefixes[] = {"SKB_DROP_REASON_", "SKB_"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name + strlen(prefixes[i]);
	return name;
}

static void add_names(struct live_drop_reasons *reasons, const struct btf *types,
		      const struct btf_type *type)
{
	const struct btf_enum *values = btf_enum(type);

	reasons->names = calloc(MAX_REASONS, sizeof(*reasons->names));
	if (!reasons->names)
		return;
	reasons->count = MAX_REASONS;
	for (u32 i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(types, values[i].name_off);
		u32 number = (u32)values[i].val;

		if (name && number < MAX_REASONS && !reasons->names[number])
			reasons->names[number] = strdup(without_prefix(name)); /* NULL: none */
	}
}

void live_drop_reasons_read(struct live_drop_reasons *ret_reasons)
{
	struct btf *types = btf__load_vmlinux_btf();
	s32 id = types ? btf__find_by_name_kind(types, "skb_drop_reason", BTF_KIND_ENUM) : -1;

	*ret_reasons = (struct live_drop_reasons){0};
	if (id >= 0)
		add_names(ret_reasons, types, btf__type_by_id(types, (u32)id));
	btf__free(types);
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
