/* The search for AWS credentials as a program, for tests:
 *
 *   aws-credentials-tool [--profile P] [--region R] [--sts-endpoint URL]
 *                        [--log] [--needles FILE] [--pause MS]
 *
 * prints {found, id, token, source, expires, expires_in_ms, region, warnings}
 * or {error: {code, message}}.  --log: debug messages on stderr.  --pause:
 * waits before the search.
 *
 * --needles: afterwards, when everything is released, looks through its own
 * memory for secrets; FILE has them in hex, each byte XORed with 0x5a, one a
 * line, so that reading them leaves no trace.  "left" says how many were found
 * where. */

#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <aws-credentials/credentials.h>
#include <base/files.h>
#include <base/json.h>
#include <base/log.h>
#include <base/text.h>

#define MASK 0x5a

static json_t *
search (const struct binding *b)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *region = aws_region (b, NULL);
  CLEANUP_CREDENTIALS struct credentials *keys =
      aws_authenticate (b, NULL, &err);
  json_t *out = json_object ();

  if (keys == NULL) {
    json_put (out, "error", json_from_err (err));
    return out;
  }
  json_put_bool (out, "found", true);
  json_put_str (out, "id", keys->access_key_id);
  json_put_bool (out, "token", keys->session_token != NULL);
  json_put_str (out, "source", keys->source);
  json_put_str (out, "region", region ? region : "");
  if (keys->expires_wall_ms != INT64_MAX) {
    CLEANUP_FREE char *end = time_format_ms (keys->expires_wall_ms);

    json_put_str (out, "expires", end);
    json_put_int (out, "expires_in_ms",
                  keys->expires_wall_ms - clock_wall_ms (&real_clock));
  }
  json_put (out, "warnings", json_array ());
  for (size_t i = 0; keys->warnings && keys->warnings[i]; i++)
    json_array_append_new (json_object_get (out, "warnings"),
                           json_string (keys->warnings[i]));
  return out;
}

/* ---- its own memory ---- */

static bool
is_here (const unsigned char *bytes, const unsigned char *needle, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if ((bytes[i] ^ MASK) != needle[i])
      return false;
  return true;
}

/* Reads through the kernel, in pieces that overlap, into one buffer that is
 * itself left out. */
static unsigned
count_in (int mem, uintptr_t from, uintptr_t to, const unsigned char *needle,
          size_t len)
{
  static unsigned char buffer[1 << 16];
  uintptr_t own = (uintptr_t)buffer;
  unsigned found = 0;

  for (uintptr_t at = from; at + len <= to; at += sizeof buffer - len + 1) {
    size_t want = to - at < sizeof buffer ? to - at : sizeof buffer;
    ssize_t n = pread (mem, buffer, want, (off_t)at);

    for (ssize_t i = 0; n > 0 && i + (ssize_t)len <= n; i++)
      if (is_here (buffer + i, needle, len) &&
          (at + (uintptr_t)i < own || at + (uintptr_t)i >= own + sizeof buffer))
        found++;
  }
  return found;
}

static void
look_in_memory (json_t *left, const unsigned char *needle, size_t len)
{
  FILE *maps = fopen ("/proc/self/maps", "re");
  int mem = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  char line[512];

  while (maps && fgets (line, sizeof line, maps)) {
    uintptr_t from, to;
    char mode[5];
    unsigned found;

    if (sscanf (line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, mode) != 3 ||
        mode[0] != 'r' || mode[1] != 'w')
      continue;
    found = count_in (mem, from, to, needle, len);
    line[strcspn (line, "\n")] = '\0';
    if (found)
      json_array_append_new (left, json_make ("{s:i,s:s}", "times", (int)found,
                                              "where", line));
  }
  if (maps)
    fclose (maps);
  close (mem);
}

static json_t *
look_for_needles (const char *path)
{
  CLEANUP_FREE char *text = NULL;
  json_t *left = json_array ();
  size_t size;
  char *rest, *line;

  if (file_read (path, 1 << 16, &text, &size, NULL) == -1)
    return NULL;
  rest = text;
  while ((line = strsep (&rest, "\n")) != NULL) {
    CLEANUP_FREE unsigned char *needle = NULL;
    size_t len;

    if (*line && hex_decode (line, &needle, &len) == 0)
      look_in_memory (left, needle, len);
  }
  return left;
}

int
main (int argc, char **argv)
{
  static const struct option options[] =
      {{"profile", required_argument, NULL, 'p'},
       {"region", required_argument, NULL, 'r'},
       {"sts-endpoint", required_argument, NULL, 's'},
       {"needles", required_argument, NULL, 'n'},
       {"pause", required_argument, NULL, 'w'},
       {"log", no_argument, NULL, 'l'},
       {NULL}};
  CLEANUP_JSON json_t *config = json_object (), *out = NULL;
  struct binding b = {.config = config};
  const char *needles = NULL;
  CLEANUP_FREE char *text = NULL;
  long pause_ms = 0;
  int option;

  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    switch (option) {
    case 'p':
      json_put_str (config, "profile", optarg);
      break;
    case 'r':
      json_put_str (config, "region", optarg);
      break;
    case 's':
      json_put_str (config, "sts-endpoint", optarg);
      break;
    case 'n':
      needles = optarg;
      break;
    case 'w':
      pause_ms = strtol (optarg, NULL, 10);
      break;
    case 'l':
      log_level = LOG_DEBUG;
      break;
    default:
      return 2;
    }
  if (pause_ms)
    nanosleep (&(struct timespec){pause_ms / 1000, pause_ms % 1000 * 1000000},
               NULL);
  out = search (&b);
  if (needles)
    json_put (out, "left", look_for_needles (needles));
  text = json_text (out);
  puts (text);
  return json_object_get (out, "error") ? 1 : 0;
}
