/* Findings on a Windows: files that it can't start without, hives, unfinished
 * updates, crash dumps. */

#include "findings.h"

#include <string.h>

#include "crash-dump.h"
#include "disk.h"
#include "guest-parse.h"
#include "guest-path.h"
#include "refuse.h"

#define SYSTEM32  "/Windows/System32"
#define MAX_DUMPS 3 /* the newest */

/* Without one of these no Windows gets to its login. */
static const char *const vital[] =
    {SYSTEM32 "/ntoskrnl.exe",     SYSTEM32 "/hal.dll",
     SYSTEM32 "/ntdll.dll",        SYSTEM32 "/smss.exe",
     SYSTEM32 "/csrss.exe",        SYSTEM32 "/wininit.exe",
     SYSTEM32 "/winlogon.exe",     SYSTEM32 "/services.exe",
     SYSTEM32 "/lsass.exe",        SYSTEM32 "/ci.dll",
     SYSTEM32 "/drivers/ntfs.sys", SYSTEM32 "/drivers/disk.sys"};

static void
look_for_files (struct disk *disk, struct findings *f)
{
  int64_t sizes[ARRAY_SIZE (vital)];
  size_t missing = 0;

  for (size_t i = 0; i < ARRAY_SIZE (vital); i++) {
    sizes[i] = findings_size (disk, vital[i]);
    missing += sizes[i] == -1 || sizes[i] == 0;
  }
  /* that is not one file that a scanner took away */
  if (missing > ARRAY_SIZE (vital) / 2) {
    findings_fact (f, "windows-incomplete", NULL,
                   "%zu of %zu files that every Windows needs are not there",
                   missing, ARRAY_SIZE (vital));
    return;
  }
  for (size_t i = 0; i < ARRAY_SIZE (vital); i++)
    if (sizes[i] == -1 || sizes[i] == 0)
      findings_fact (f, "windows-file-missing", vital[i], "%s %s", vital[i],
                     sizes[i] == 0 ? "is empty" : "is not there");
}

static void
look_at_hives (struct disk *disk, struct findings *f)
{
  static const char *const names[] = {"SYSTEM", "SOFTWARE"};
  CLEANUP_ERR struct err *why = NULL;
  struct registry_hive *hive;

  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    CLEANUP_FREE char *path = xasprintf (SYSTEM32 "/config/%s", names[i]);
    int64_t size = findings_size (disk, path);

    if (size == -1 || size == 0)
      findings_fact (f, "hive-missing", names[i], "%s %s", path,
                     size == 0 ? "is empty" : "is not there");
  }
  if (findings_size (disk, SYSTEM32 "/config/SYSTEM") > 0 &&
      registry_open (disk, "SYSTEM", &hive, &why) == -1 && disk->refusal &&
      strcmp (disk->refusal, REFUSE_HIVE_DAMAGED) == 0)
    findings_fact (f, "hive-damaged", "SYSTEM", "%s", why->msg);
}

static void
add_dump (struct findings *f, const char *shown, const json_t *dump)
{
  const json_t *list = json_object_get (dump, "parameters");
  uint64_t parameters[4] = {0};

  for (size_t i = 0; i < ARRAY_SIZE (parameters); i++) {
    const char *text = json_string_value (json_array_get (list, i));

    parameters[i] = text ? strtoull (text, NULL, 16) : 0;
  }
  findings_bugcheck (f, (uint32_t)json_int (dump, "code", 0), parameters,
                     json_str (dump, "driver", NULL), shown,
                     json_int (dump, "when_ms", 0));
}

static void
read_dump (struct disk *disk, struct findings *f, const char *path,
           const char *shown, int bytes)
{
  CLEANUP_PARSE struct parse parse = {0};
  CLEANUP_ERR struct err *err = NULL;
  struct guest_pieces pieces = {disk, path};

  guest_parse_init (disk, &parser_crash_dump, &parse);
  guest_parse_pieces (&parse, &pieces);
  if (guest_parse_add (disk, &parse, path, bytes, 0, &err) == 0 &&
      guest_parse_run (disk, &parse, &err) == 0)
    add_dump (f, shown, parse.result);
  else
    findings_unread (f, &parse, shown, err);
}

/* A stop writes its dump over the start of the page file.  Only the next start
 * that gets as far as the session manager gives it a name of its own (cut off
 * and renamed DUMPxxxx.tmp), and a later one moves it to MEMORY.DMP: of a
 * system that stops again and again, the newest is here. [Windows Internals,
 * 6th edition, part 2, "Crash Dump Files"]  That the memory of a large dump
 * lies in there as it does in MEMORY.DMP follows from the renaming; if it did
 * not, its driver would stay unknown. */
static void
read_unsaved_dumps (struct disk *disk, struct findings *f)
{
  static const char *const patterns[] = {"/pagefile.sys", "/DUMP*.tmp"};

  for (size_t i = 0; i < ARRAY_SIZE (patterns); i++) {
    CLEANUP_STRV char **found = NULL;

    if (guest_path_glob (disk, patterns[i], &found, NULL) != 1)
      continue;
    for (size_t j = 0; found[j] && j < MAX_DUMPS; j++) {
      size_t len = 0;
      CLEANUP_FREE char *head = guestfs_pread (disk->g, found[j], 6, 0, &len);

      if (head && len == 6 && memcmp (head, "PAGEDU", 6) == 0)
        read_dump (disk, f, found[j], guest_path_name (found[j]),
                   CRASH_DUMP_BYTES);
    }
  }
}

static void
read_dumps (struct disk *disk, struct findings *f)
{
  CLEANUP_FREE char *memory = NULL;
  CLEANUP_STRV char **small = NULL;
  size_t n;

  read_unsaved_dumps (disk, f);
  if (guest_path_find (disk, "/Windows/MEMORY.DMP", &memory, NULL) == 1 &&
      findings_size (disk, "/Windows/MEMORY.DMP") >= CRASH_DUMP_HEADER)
    read_dump (disk, f, memory, "MEMORY.DMP", CRASH_DUMP_HEADER);
  if (findings_size (disk, "/Windows/Minidump") < 0 ||
      guest_path_glob (disk, "/Windows/Minidump/*.dmp", &small, NULL) != 1)
    return;
  /* MMDDYY-...: the names are sorted, which is near enough to the newest */
  n = strv_length (small);
  for (size_t i = n > MAX_DUMPS ? n - MAX_DUMPS : 0; i < n; i++)
    read_dump (disk, f, small[i], guest_path_name (small[i]), CRASH_DUMP_BYTES);
}

void
findings_windows (struct disk *disk, struct findings *f)
{
  look_for_files (disk, f);
  look_at_hives (disk, f);
  if (findings_size (disk, "/Windows/WinSxS/pending.xml") > 0)
    findings_fact (f, "pending-xml", NULL,
                   "/Windows/WinSxS/pending.xml is there");
  read_dumps (disk, f);
  findings_event_log (disk, f);
}
