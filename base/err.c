#include "err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#undef err_set
#undef err_set_errno
#undef err_wrap
#undef err_move

static const char *const code_names[] = {
    [ERR_INTERNAL] = "internal",
    [ERR_USAGE] = "usage",
    [ERR_INPUT] = "input",
    [ERR_NOT_FOUND] = "not-found",
    [ERR_CONFLICT] = "conflict",
    [ERR_REFUSED] = "refused",
    [ERR_THROTTLED] = "throttled",
    [ERR_TRANSIENT] = "transient",
    [ERR_UNKNOWN_EFFECT] = "unknown-effect",
    [ERR_AUTH] = "auth",
    [ERR_DENIED] = "denied",
    [ERR_TIMEOUT] = "timeout",
    [ERR_IO] = "io",
    [ERR_NO_SPACE] = "no-space",
    [ERR_PROTOCOL] = "protocol",
    [ERR_DISK] = "disk",
    [ERR_STOPPED] = "stopped",
    [ERR_TAKEN] = "taken",
    [ERR_UNREACHABLE] = "unreachable",
};

static int
set_message (struct err **err, enum err_code code, char *msg)
{
  if (err == NULL) {
    free (msg);
    return -1;
  }
  if (*err) /* set twice: a bug, but losing either text would be worse */
    err_free (TAKE (*err));
  *err = xcalloc (1, sizeof **err);
  (*err)->code = code;
  (*err)->msg = msg;
  return -1;
}

int
err_set (struct err **err, enum err_code code, const char *fmt, ...)
{
  va_list args;
  char *msg;

  va_start (args, fmt);
  msg = xvasprintf (fmt, args);
  va_end (args);
  return set_message (err, code, msg);
}

static enum err_code
code_of_errno (int errno_value)
{
  switch (errno_value) {
  case ENOSPC:
  case EDQUOT:
  case EROFS:
    return ERR_NO_SPACE;
  case ENOENT:
    return ERR_NOT_FOUND;
  default:
    return ERR_IO;
  }
}

int
err_set_errno (struct err **err, int errno_value, const char *fmt, ...)
{
  CLEANUP_FREE char *what = NULL;
  va_list args;

  va_start (args, fmt);
  what = xvasprintf (fmt, args);
  va_end (args);
  return set_message (err, code_of_errno (errno_value),
                      xasprintf ("%s: %s", what, strerror (errno_value)));
}

int
err_wrap (struct err **err, const char *fmt, ...)
{
  CLEANUP_FREE char *prefix = NULL;
  char *msg;
  va_list args;

  if (err == NULL || *err == NULL)
    return -1;
  va_start (args, fmt);
  prefix = xvasprintf (fmt, args);
  va_end (args);
  msg = xasprintf ("%s: %s", prefix, (*err)->msg);
  free ((*err)->msg);
  (*err)->msg = msg;
  return -1;
}

int
err_move (struct err **dest, struct err *src)
{
  if (dest == NULL)
    err_free (src);
  else {
    err_free (*dest);
    *dest = src;
  }
  return -1;
}

struct err *
err_copy (const struct err *err)
{
  struct err *copy;

  if (err == NULL)
    return NULL;
  copy = xcalloc (1, sizeof *copy);
  copy->code = err->code;
  copy->retry_after_ms = err->retry_after_ms;
  copy->msg = xstrdup (err->msg);
  return copy;
}

void
err_free (struct err *err)
{
  if (err == NULL)
    return;
  free (err->msg);
  free (err);
}

void
cleanup_err (struct err **err)
{
  err_free (*err);
}

const char *
err_code_name (enum err_code code)
{
  if ((size_t)code < ARRAY_SIZE (code_names) && code_names[code])
    return code_names[code];
  return "internal";
}

enum err_code
err_code_from_name (const char *name)
{
  for (size_t i = 1; i < ARRAY_SIZE (code_names); i++)
    if (name && strcmp (code_names[i], name) == 0)
      return (enum err_code)i;
  return ERR_INTERNAL;
}
