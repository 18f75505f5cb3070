#pragma once
/* The files of web/, embedded at build time (web_assets.cmake). Terminated; free of "]]>", so they
 * can stand in CDATA. */
extern const char kymo_web_flame_css[];
extern const char kymo_web_flame_js[];
