#pragma once
/* slices.def: what lasts. */

/* The events that slices are of: bits of struct kymo_about. */
unsigned kymo_export_slice_classes(void);
