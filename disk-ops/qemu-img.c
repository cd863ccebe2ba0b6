#include "qemu-img.h"

#include <inttypes.h>
#include <string.h>

#include <base/command.h>
#include <base/json.h>
#include <base/text.h>

#include "identify.h"

#define QUICK_MS   60000
#define COPY_MS    (30 * 60000)
#define MAX_OUTPUT (64 * 1024 * 1024)
/* qemu-io holds one read in memory. */
#define FILL_CHUNK (4 << 20)

/* A file name within a list of options: a comma is doubled. */
static char *
option_text (const char *value)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (const char *p = value; *p; p++) {
    strbuf_addch (&sb, *p);
    if (*p == ',')
      strbuf_addch (&sb, ',');
  }
  return strbuf_take (&sb);
}

static const char *
format_name (const struct patient *patient)
{
  return patient->raw ? "raw" : "qcow2";
}

/* Options that open the patient, each key after `prefix`. */
static void
add_patient (struct strbuf *sb, const char *prefix,
             const struct patient *patient, bool locked)
{
  CLEANUP_FREE char *path = option_text (patient->path);

  strbuf_addf (sb, ",%sdriver=%s,%sfile.driver=%s,%sfile.filename=%s", prefix,
               format_name (patient), prefix,
               patient->block ? "host_device" : "file", prefix, path);
  if (locked)
    strbuf_addf (sb, ",%sfile.locking=off", prefix);
}

static void
add_overlay (struct strbuf *sb, const char *prefix, const char *overlay,
             const struct patient *patient, bool locked)
{
  CLEANUP_FREE char *path = option_text (overlay);
  CLEANUP_FREE char *below = xasprintf ("%sbacking.", prefix);

  strbuf_addf (sb, ",%sdriver=qcow2,%sfile.driver=file,%sfile.filename=%s",
               prefix, prefix, prefix, path);
  add_patient (sb, below, patient, locked);
}

/* A window of a view, as options; each starts with a comma too many. */
static char *
window_options (const char *overlay, const struct patient *patient,
                const struct extent *window)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addf (&sb, "driver=raw,offset=%" PRId64 ",size=%" PRId64,
               window->start, window->length);
  if (overlay)
    add_overlay (&sb, "file.", overlay, patient, true);
  else
    add_patient (&sb, "file.", patient, true);
  return strbuf_take (&sb);
}

static int
run_json (const char *const *argv, json_t **json, int *status, struct err **err)
{
  CLEANUP_COMMAND struct command_result result;

  if (command_run (argv, NULL, COPY_MS, MAX_OUTPUT, &result, err) == -1)
    return -1;
  *status = result.exit_status;
  *json = NULL;
  if (result.output.len == 0) {
    char nothing[] = "";
    char *said = result.messages.buf ? result.messages.buf : nothing;
    CLEANUP_FREE char *why = NULL;

    said[strcspn (said, "\n")] = '\0';
    why = text_printable (said);
    return err_set (err, ERR_INPUT, "%s", *why ? why : "no output");
  }
  *json = json_parse (result.output.buf, result.output.len, argv[0], err);
  return *json ? 0 : -1;
}

/* Statuses of `qemu-img check`: 0 fine, 2 damaged, 3 only leaked clusters
 * (harmless), else it could not look.  [qemu-img(1)] */
int
qemu_img_check (const char *path, int64_t *virtual_size, struct err **err)
{
  const char *check[] = {"qemu-img",      "check", "-f", "qcow2",
                         "--output=json", path,    NULL};
  const char *info[] = {"qemu-img",      "info", "-f", "qcow2",
                        "--output=json", path,   NULL};
  CLEANUP_JSON json_t *checked = NULL, *shown = NULL;
  int status;

  if (run_json (check, &checked, &status, err) == -1)
    return -1;
  if (status != 0 && status != 3)
    return err_set (err, ERR_INPUT,
                    "the tables of this qcow2 image are damaged (qemu-img "
                    "check found %" PRId64 " corruptions, %" PRId64 " errors)",
                    json_int (checked, "corruptions", 0),
                    json_int (checked, "check-errors", 0));
  if (run_json (info, &shown, &status, err) == -1)
    return -1;
  if (json_int (shown, "virtual-size", 0) <= 0)
    return err_set (err, ERR_INPUT, "this qcow2 image has no size");
  *virtual_size = json_int (shown, "virtual-size", 0);
  return 0;
}

int
qemu_img_overlay (const char *overlay, const struct patient *patient,
                  struct err **err)
{
  const char *argv[] = {"qemu-img",    "create", "-q",
                        "-f",          "qcow2",  "-b",
                        patient->path, "-F",     format_name (patient),
                        overlay,       NULL};
  CLEANUP_COMMAND struct command_result result;

  return command_run_ok (argv, NULL, QUICK_MS, MAX_OUTPUT, &result, err);
}

int
qemu_img_map (const char *overlay, struct extents *extents, struct err **err)
{
  /* -U: our own lock on the patient below is no stranger's */
  const char *argv[] = {"qemu-img", "map",           "-U",    "-f",
                        "qcow2",    "--output=json", overlay, NULL};
  CLEANUP_JSON json_t *map = NULL;
  int status;

  if (run_json (argv, &map, &status, err) == -1)
    return -1;
  if (status != 0)
    return err_set (err, ERR_IO, "qemu-img map: exit status %d", status);
  return extents_from_map (map, extents, err);
}

int
qemu_io_fill (const char *overlay, const struct extents *extents,
              struct err **err)
{
  const char *argv[] = {"qemu-io", "-f", "qcow2", "-C", overlay, NULL};
  CLEANUP_COMMAND struct command_result result;
  CLEANUP_STRBUF struct strbuf script = STRBUF_EMPTY;

  for (size_t i = 0; i < extents->len; i++)
    for (int64_t done = 0; done < extents->ptr[i].length; done += FILL_CHUNK) {
      int64_t left = extents->ptr[i].length - done;

      strbuf_addf (&script, "read -q %" PRId64 " %" PRId64 "\n",
                   extents->ptr[i].start + done,
                   left < FILL_CHUNK ? left : FILL_CHUNK);
    }
  strbuf_addstr (&script, "quit\n");
  if (command_run (argv, script.buf, COPY_MS, MAX_OUTPUT, &result, err) == -1)
    return -1;
  /* Its exit status says nothing about single commands; the caller compares
   * maps to see that all arrived. */
  if (result.exit_status != 0 ||
      (result.output.buf && strstr (result.output.buf, "failed")))
    return err_set (err, ERR_IO, "qemu-io could not copy the old content");
  return 0;
}

int
qemu_img_commit (const char *overlay, const struct patient *patient,
                 struct err **err)
{
  CLEANUP_STRBUF struct strbuf options = STRBUF_EMPTY;
  CLEANUP_COMMAND struct command_result result;

  add_overlay (&options, "", overlay, patient, true);
  {
    const char *argv[] = {"qemu-img",     "commit",        "-q", "-d",
                          "--image-opts", options.buf + 1, NULL};

    return command_run_ok (argv, NULL, COPY_MS, MAX_OUTPUT, &result, err);
  }
}

int
qemu_img_equal (const char *overlay, const struct patient *patient,
                const struct extent *window, struct err **err)
{
  CLEANUP_FREE char *a = window_options (overlay, patient, window);
  CLEANUP_FREE char *b = window_options (NULL, patient, window);
  const char *argv[] = {"qemu-img", "compare", "-q", "--image-opts",
                        a,          b,         NULL};
  CLEANUP_COMMAND struct command_result result;

  if (command_run (argv, NULL, COPY_MS, MAX_OUTPUT, &result, err) == -1)
    return -1;
  if (result.exit_status > 1)
    return err_set (err, ERR_IO, "qemu-img compare: %s",
                    result.messages.buf ? result.messages.buf : "failed");
  return result.exit_status == 0;
}

int
qemu_img_extract (const char *overlay, const struct patient *patient,
                  const struct extent *window, const char *to, struct err **err)
{
  CLEANUP_FREE char *from = window_options (overlay, patient, window);
  const char *argv[] = {"qemu-img",     "convert", "-q",
                        "--image-opts", "-O",      "raw",
                        from,           to,        NULL};
  CLEANUP_COMMAND struct command_result result;

  return command_run_ok (argv, NULL, COPY_MS, MAX_OUTPUT, &result, err);
}
