/* Which instances fail to boot, for "gcp:impaired": Compute does not tell, but
 * their serial ports do.  Each running one is asked for the end of port 1, and
 * of port 2 too if it is Windows, whose emergency console writes there.
 * [gce-rescue reads port 2 of Windows, CHANGELOG 2.5.0]
 *
 * A crash counts if nothing after it says that the system is up; so does a
 * firmware that starts again and again.  A console that says nothing says
 * nothing: such a VM is not taken. */

#include "look-end.h"

#include <stdlib.h>
#include <string.h>

#include <base/text.h>
#include <providers/vm.h>

#include "call.h"
#include "errors.h"

#define TAIL     "-65536" /* a negative start: so many bytes before the end */
#define RESTARTS 3

static const char *const bad[] = {"Kernel panic",
                                  "You are in emergency mode",
                                  "Entering emergency mode",
                                  "grub rescue>",
                                  "No bootable device",
                                  "Boot failed: not a bootable disk",
                                  "BOOTMGR is missing",
                                  "An operating system wasn't found",
                                  "BLUESCREEN",
                                  "*** STOP",
                                  "BugCheck",
                                  "Unable to mount root fs"};
static const char *const firmware[] = {"SeaBIOS (version",
                                       "BdsDxe: starting Boot"};
static const char *const good[] = {" login:",
                                   "GCEWindowsAgent",
                                   "GCEGuestAgent",
                                   "GCE Agent Started",
                                   "Finished running startup scripts",
                                   "GCEMetadataScripts"};

/* Where the last of them is, behind `from`; NULL: nowhere. */
static const char *
last_of (const char *from, const char *const *words, size_t n, size_t *count)
{
  const char *last = NULL;

  *count = 0;
  for (size_t i = 0; i < n; i++)
    for (const char *p = from; (p = strstr (p, words[i])) != NULL; p++) {
      ++*count;
      last = p > last ? p : last;
    }
  return last;
}

char *
gcp_console_complaint (const char *text)
{
  size_t n;
  const char *up = last_of (text, good, ARRAY_SIZE (good), &n);
  const char *from = up ? up : text, *at;
  CLEANUP_FREE char *line = NULL;

  at = last_of (from, bad, ARRAY_SIZE (bad), &n);
  if (at == NULL) {
    if (last_of (from, firmware, ARRAY_SIZE (firmware), &n) == NULL ||
        n < RESTARTS)
      return NULL;
    return xasprintf ("its firmware started %zu times, and nothing after it",
                      n);
  }
  while (at > text && at[-1] != '\n' && at[-1] != '\r')
    at--;
  line = xstrndup (at, strcspn (at, "\r\n") < 160 ? strcspn (at, "\r\n") : 160);
  return text_printable (line);
}

/* --- requests ------------------------------------------------------------- */

static bool
may_tell (const json_t *vm)
{
  return strcmp (json_str (vm, "power", ""), "running") == 0;
}

/* The VM and port that come at or behind `at`; NULL: that was all. */
static json_t *
at_console (const json_t *state, int64_t *at)
{
  const json_t *vms = json_object_get (state, "vms");

  for (; (size_t)*at < 2 * json_array_size (vms); ++*at) {
    json_t *vm = json_array_get (vms, (size_t)*at / 2);
    bool second = *at % 2;
    bool windows = strcmp (json_str (vm, "os", ""), "windows") == 0;

    if (may_tell (vm) && (!second || windows) &&
        json_object_get (vm, "health") == NULL)
      return vm;
  }
  return NULL;
}

bool
gcp_consoles_next (json_t *state)
{
  int64_t at = json_int (state, "console", 0);
  bool more = at_console (state, &at) != NULL;

  json_put_int (state, "console", at);
  return more;
}

int
gcp_consoles_build (const struct binding *b, const json_t *in,
                    const json_t *state, struct http_request *req,
                    struct err **err)
{
  int64_t at = json_int (state, "console", 0);
  const json_t *vm = at_console (state, &at);
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;

  if (vm == NULL)
    return err_set (err, ERR_INTERNAL, "a look at no console");
  http_form_add (&query, "port", at % 2 ? "2" : "1");
  http_form_add (&query, "start", TAIL);
  gcp_request (b, GCP_SERIAL_PORT, json_str (vm, "id", ""), &query, NULL, in,
               req);
  req->max_reply_bytes = 2 << 20;
  return 0;
}

/* --- replies -------------------------------------------------------------- */

/* One that has stopped meanwhile says nothing. */
int
gcp_consoles_read (json_t *state, const struct http_reply *reply,
                   struct err **err)
{
  int64_t at = json_int (state, "console", 0);
  json_t *vm = at_console (state, &at);
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *root = gcp_console (reply, &why);
  CLEANUP_FREE char *complaint = NULL;

  if (root == NULL && why->code != ERR_NOT_FOUND && why->code != ERR_CONFLICT &&
      why->code != ERR_USAGE)
    return err_move (err, TAKE (why));
  complaint = gcp_console_complaint (json_str (root, "contents", ""));
  if (complaint && vm) {
    json_put_str (vm, "health", "impaired");
    vm_add_warning (vm, "impaired", "serial port %d: %s", at % 2 ? 2 : 1,
                    complaint);
  }
  json_put_int (state, "console", at + 1);
  return 0;
}

/* Those that were not found impaired, and their disks, are left out. */
void
gcp_consoles_choose (json_t *state)
{
  json_t *vms = json_object_get (state, "vms"), *vm;
  json_t *kept = json_array (), *disks = json_array ();
  int64_t all = (int64_t)json_array_size (vms);
  size_t i;

  json_array_foreach (vms, i, vm)
  {
    if (strcmp (json_str (vm, "health", ""), "impaired") != 0)
      continue;
    json_array_append (kept, vm);
    if (*json_str (vm, "os_disk.id", ""))
      json_array_append_new (disks,
                             json_string (json_str (vm, "os_disk.id", "")));
  }
  json_put_int (state, "count",
                json_int (state, "count", 0) - all +
                    (int64_t)json_array_size (kept));
  json_put (state, "vms", kept);
  json_put (state, "items", disks);
}
