/* Consoles and logs as text: cleaned, searched, and stop codes taken out. */

#include "rule.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

/* A longer line is no message; its end is not looked at. */
#define MAX_LINE 4096
/* So many lines after a stop code may name its driver. */
#define DRIVER_LINES 6
/* The newest are enough. */
#define MAX_BUGCHECKS 8

/* What comes after the escape sequence that begins here. [ECMA-48] */
static const char *
after_escape (const char *p)
{
  p++;
  if (*p == '[' || *p == '?') {
    p++;
    while (*p && ((unsigned char)*p < 0x40 || (unsigned char)*p > 0x7e))
      p++;
    return *p ? p + 1 : p;
  }
  if (*p == ']') {
    while (*p && *p != '\a' && *p != '\x1b' && *p != '\n')
      p++;
    return *p == '\a' ? p + 1 : p;
  }
  while ((unsigned char)*p >= 0x20 && (unsigned char)*p <= 0x2f)
    p++;
  return *p ? p + 1 : p;
}

char *
console_clean (const char *text)
{
  size_t len = strlen (text);
  char *clean = xmalloc (len + 1), *out = clean;

  for (const char *p = text; *p;) {
    if (*p == '\x1b') {
      p = after_escape (p);
      continue;
    }
    if (*p == '\r')
      *out++ = '\n';
    else if (*p == '\n' || *p == '\t' || (unsigned char)*p >= 0x20)
      *out++ = *p;
    p++;
  }
  *out = '\0';
  return clean;
}

static size_t
line_start (const char *text, size_t at)
{
  while (at > 0 && text[at - 1] != '\n')
    at--;
  return at;
}

/* Does the line that starts there fit? */
static bool
line_fits (const struct pattern *pattern, const char *line, size_t len,
           regmatch_t *groups)
{
  CLEANUP_FREE char *copy =
      xstrndup (line, len > MAX_LINE ? (size_t)MAX_LINE : len);

  return regexec (&pattern->regex, copy, groups ? PATTERN_GROUPS : 0, groups,
                  0) == 0;
}

bool
pattern_find_last (const struct pattern *pattern, const char *text, size_t *at,
                   size_t *len, regmatch_t *groups)
{
  size_t literal = strlen (pattern->literal);
  const char *p = text, *hit;
  bool found = false;

  while (*p && (hit = literal ? strstr (p, pattern->literal) : p)) {
    size_t start = line_start (text, (size_t)(hit - text));
    size_t n = strcspn (text + start, "\n");
    regmatch_t here[PATTERN_GROUPS];

    if (line_fits (pattern, text + start, n, here)) {
      found = true;
      *at = start;
      *len = n;
      if (groups)
        memcpy (groups, here, sizeof here);
    }
    p = text + start + n;
    if (*p == '\n')
      p++;
  }
  return found;
}

/* --- stop codes --- */

/* What Windows and its loader print before a stop code, each followed by the
 * number. [docs of WinDbg: "*** Fatal System Error: 0x0000007b"; blue screens:
 * "*** STOP: 0x..."; event 1001: "The bugcheck was: 0x..."] */
static const char *const stop_words[] = {"*** STOP: 0x",
                                         "Fatal System Error: 0x",
                                         "The bugcheck was: 0x"};

/* Reads up to 4 numbers "0x..." of the rest of the line and the next one. */
static json_t *
read_parameters (const char *p)
{
  json_t *list = json_array ();
  int lines = 0;

  while (*p && lines < 2 && json_array_size (list) < 4) {
    if (*p == '\n')
      lines++;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
      size_t n = strspn (p + 2, "0123456789abcdefABCDEF");

      if (n >= 1 && n <= 16) {
        CLEANUP_FREE char *number = xstrndup (p, n + 2);

        json_array_append_new (list, json_string (number));
      }
      p += n + 2;
      continue;
    }
    p++;
  }
  return list;
}

/* The first name "x.sys" in these lines; to be freed. */
static char *
find_driver (const char *p)
{
  static const char of_names[] = "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  int lines = 0;

  for (; *p && lines <= DRIVER_LINES; p++) {
    size_t n = strspn (p, of_names);

    if (*p == '\n')
      lines++;
    if (n > 4 && n < 64 && strncasecmp (p + n - 4, ".sys", 4) == 0)
      return xstrndup (p, n);
    if (n > 0)
      p += n - 1;
  }
  return NULL;
}

static void
add_bugcheck (const char *line, const char *number, const char *where,
              json_t *list)
{
  CLEANUP_FREE char *quoted = xstrndup (line, strcspn (line, "\n"));
  CLEANUP_FREE char *what = NULL, *driver = find_driver (number);
  size_t digits = strspn (number, "0123456789abcdefABCDEF");
  json_t *json;

  if (digits == 0 || digits > 8)
    return;
  if (strlen (quoted) > 200)
    quoted[200] = '\0';
  what = text_printable (quoted);
  json = json_make ("{s:I, s:o, s:s, s:s}", "code",
                    (json_int_t)strtoul (number, NULL, 16), "parameters",
                    read_parameters (number + digits), "where", where, "what",
                    what);
  json_put_str (json, "driver", driver);
  json_array_append_new (list, json);
}

void
console_bugchecks (const char *text, const char *where, json_t *list)
{
  for (size_t i = 0; i < ARRAY_SIZE (stop_words); i++) {
    const char *p = text;

    while ((p = strstr (p, stop_words[i]))) {
      size_t start = line_start (text, (size_t)(p - text));

      p += strlen (stop_words[i]);
      add_bugcheck (text + start, p, where, list);
      if (json_array_size (list) > MAX_BUGCHECKS)
        json_array_remove (list, 0);
    }
  }
}

bool
driver_is_windows (const char *driver)
{
  static const char *const own[] =
      {"ntoskrnl",   "ntkrnlmp", "hal",       "win32k",   "win32kfull",
       "win32kbase", "ntfs",     "fltmgr",    "volsnap",  "volmgr",
       "volmgrx",    "partmgr",  "disk",      "classpnp", "storport",
       "stornvme",   "storahci", "spaceport", "tcpip",    "ndis",
       "netio",      "afd",      "http",      "srv2",     "acpi",
       "pci",        "vmbus",    "storvsc",   "netvsc",   "wdf01000",
       "ci",         "cng",      "ksecdd",    "fvevol",   "mountmgr",
       "dxgkrnl",    "watchdog", "clfs",      "msrpc",    "rdbss",
       "mrxsmb",     "fastfat"};
  size_t len = strcspn (driver, ".");

  for (size_t i = 0; i < ARRAY_SIZE (own); i++)
    if (strlen (own[i]) == len && strncasecmp (own[i], driver, len) == 0)
      return true;
  return false;
}
