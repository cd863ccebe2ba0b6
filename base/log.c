#include "log.h"

#include <stdio.h>
#include <unistd.h>

#include "text.h"

enum log_level log_level = LOG_NORMAL;

static const char *program = "bootmend";
static void (*hook_before) (void *);
static void (*hook_after) (void *);
static void *hook_opaque;

void
log_set_program (const char *name)
{
  program = name;
}

void
log_set_hooks (void (*before) (void *), void (*after) (void *), void *opaque)
{
  hook_before = before;
  hook_after = after;
  hook_opaque = opaque;
}

static void ATTR_PRINTF (2, 0)
    vlog (const char *kind, const char *fmt, va_list args)
{
  CLEANUP_FREE char *raw = xvasprintf (fmt, args);
  /* Texts may quote a guest or a cloud: no control characters to a terminal. */
  CLEANUP_FREE char *text = text_printable (raw);

  if (hook_before)
    hook_before (hook_opaque);
  fprintf (stderr, "%s: %s%s\n", program, kind, text);
  if (hook_after)
    hook_after (hook_opaque);
}

#define DEFINE_LOG(name, least, kind)                                          \
  void name (const char *fmt, ...)                                             \
  {                                                                            \
    va_list args;                                                              \
                                                                               \
    if (log_level < (least))                                                   \
      return;                                                                  \
    va_start (args, fmt);                                                      \
    vlog (kind, fmt, args);                                                    \
    va_end (args);                                                             \
  }

DEFINE_LOG (log_error, LOG_QUIET, "")
DEFINE_LOG (log_warn, LOG_NORMAL, "warning: ")
DEFINE_LOG (log_info, LOG_VERBOSE, "")
DEFINE_LOG (log_debug, LOG_DEBUG, "debug: ")
