#pragma once
/*
 * What stands for what in one redacted capture: readable, the same for the same text, and numbered
 * in the order of appearance (proc-3, /home/user-1/dir-4/file-9.so). No two texts become the same
 * one.
 */
#include "analyzer/redact/redact_key.h"
#include "formats/read/capture_reader.h"

struct kymo_pseudonyms;

int kymo_pseudonyms_new(struct kymo_pseudonyms **ret_pseudonyms); /* 0, -ENOMEM, -errno */
struct kymo_pseudonyms *kymo_pseudonyms_free(struct kymo_pseudonyms *pseudonyms);
const struct kymo_redact_key *kymo_pseudonyms_key(const struct kymo_pseudonyms *pseudonyms);

/*
 * Replaces a text by what stands for it. *ret_to is the text before; its bytes last until the next
 * call. *ret_changed: something of it was private. 0 or -ENOMEM.
 */
typedef int (*kymo_pseudonym_fn)(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
				 bool *ret_changed);
int kymo_pseudonym_host(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			bool *ret_changed);
int kymo_pseudonym_meta(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			bool *ret_changed);
int kymo_pseudonym_name(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			bool *ret_changed);
int kymo_pseudonym_path(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			bool *ret_changed);
int kymo_pseudonym_cgroup(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			  bool *ret_changed);
int kymo_pseudonym_network(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			   bool *ret_changed);
int kymo_pseudonym_module(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			  bool *ret_changed);
int kymo_pseudonym_function(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			    bool *ret_changed);
/* Paths in the name of a function; the rest of it stays. */
int kymo_pseudonym_function_paths(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
				  bool *ret_changed);
int kymo_pseudonym_build_id(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			    bool *ret_changed);
int kymo_pseudonym_text(struct kymo_pseudonyms *pseudonyms, struct cap_string *ret_to,
			bool *ret_changed);

/* What stands for a number > 0, by what it counts (inodes, devices, ...). 0: out of memory. */
u64 kymo_pseudonym_number(struct kymo_pseudonyms *pseudonyms, const char *of, u64 number);

/* Is it a file of the system's packages, or the name of a well-known part of the kernel? */
bool kymo_is_system_path(const struct cap_string *path);
