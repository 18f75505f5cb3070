#pragma once
/*
 * Call frame information of DWARF, as .eh_frame and .debug_frame hold it: runs the instructions of
 * one function and keeps the rules. The bytes come from captures and from files of strangers: no
 * length in them is trusted, and time and memory are bounded by how many bytes there are.
 */
#include "objects/unwind/cfi_table.h"

#define KYMO_CFI_MAX_ENTRY_BYTES 65536u /* of a CIE or an FDE; longer ones are refused */

struct kymo_cfi_entry {
	const u8 *cie, *fde; /* each as it is after its length field, of 32-bit DWARF */
	size_t cie_bytes, fde_bytes;
	u64 start, size_bytes; /* of the function, in any addresses: the rules have the same */
	bool is_debug_frame;
};

/* 0; -ENOMEM; -EINVAL: the bytes are not sound, or of a kind that is not known. */
int kymo_cfi_decode(const struct kymo_cfi_entry *entry, struct kymo_cfi_table **ret_table);

/* What a CIE says about its FDEs; for those who look for entries. */
struct kymo_cfi_cie {
	u64 code_align;
	s64 data_align;
	u8 return_column;
	u8 pointer_encoding; /* DW_EH_PE_* */
	bool has_data;	     /* FDEs hold augmentation data */
	bool is_signal;
	const u8 *instructions;
	size_t instruction_bytes;
};

bool kymo_cfi_parse_cie(const u8 *bytes, size_t len, bool is_debug_frame,
			struct kymo_cfi_cie *ret_cie);

/* Bytes that a pointer of that encoding takes; 0: not known, or of no fixed size. */
unsigned int kymo_cfi_pointer_bytes(u8 encoding);
