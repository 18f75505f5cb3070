#pragma once
/* Of databases: schema.sql sets both, a test compares. */

#define KYMO_APPLICATION_ID 1266249071 /* 'Kymo' */
#define KYMO_SCHEMA_VERSION 5
