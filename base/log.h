/* Messages for people, on stderr, one line each: "bootmend: text".
 *
 * Libraries never call log_error or log_warn: they return a struct err.  They
 * may call log_debug. */

#ifndef BOOTMEND_LOG_H
#define BOOTMEND_LOG_H

#include <base/mem.h>

enum log_level {
  LOG_QUIET,
  LOG_NORMAL,
  LOG_VERBOSE,
  LOG_DEBUG
};

extern enum log_level log_level;

/* The name before the colon; a static string. */
void log_set_program (const char *name);

/* Called before and after a line is written, so that a progress display can
 * take itself off the screen and come back. */
void log_set_hooks (void (*before) (void *), void (*after) (void *),
                    void *opaque);

void log_error (const char *fmt, ...) ATTR_PRINTF (1, 2);
void log_warn (const char *fmt, ...) ATTR_PRINTF (1, 2);
void log_info (const char *fmt, ...) ATTR_PRINTF (1, 2);
void log_debug (const char *fmt, ...) ATTR_PRINTF (1, 2);

#endif
