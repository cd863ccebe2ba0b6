#include "check-expect.h"

#include <glob.h>

#include <base/strbuf.h>
#include <base/text.h>
#include <disk-ops/host-machine.h>

static void
add (json_t *items, const char *name, bool ok, const char *detail,
     const char *advice)
{
  CLEANUP_FREE char *shown = text_printable (detail);
  json_t *item = json_make ("{s:s,s:s,s:s}", "name", name, "level",
                            ok ? "ok" : "missing", "detail", shown);

  if (!ok)
    json_put_str (item, "advice", advice);
  json_array_append_new (items, item);
}

static void
check_machine (const char *uuid, json_t *items)
{
  CLEANUP_FREE char *why = NULL, *other = NULL;

  switch (host_machine_is (host_machine_folder (), uuid, &why)) {
  case MACHINE_SAME:
    add (items, "machine", true, why, NULL);
    break;
  case MACHINE_OTHER:
    other = xasprintf ("this is another machine than VM %s: %s", uuid, why);
    add (items, "machine", false, other,
         "give the address of this very VM: disks that are attached to it "
         "can't be told from others' anywhere else");
    break;
  case MACHINE_UNKNOWN:
    add (items, "machine", false, why,
         "whether this is the VM that disks are attached to has to be seen: "
         "run the agent as root (,sudo in --helper)");
    break;
  }
}

static void
check_links (const json_t *patterns, const char *advice, json_t *items)
{
  CLEANUP_STRBUF struct strbuf looked = STRBUF_EMPTY;
  CLEANUP_FREE char *none = NULL;
  json_t *pattern;
  size_t i;

  json_array_foreach ((json_t *)patterns, i, pattern)
  {
    const char *text = json_string_value (pattern);
    glob_t found = {0};
    bool there = text && glob (text, 0, NULL, &found) == 0;

    if (there)
      add (items, "links", true, found.gl_pathv[0], NULL);
    globfree (&found);
    if (there)
      return;
    strbuf_addf (&looked, "%s%s", i ? ", " : "", text ? text : "");
  }
  none = xasprintf ("there is no %s: attached disks would not be found",
                    looked.buf ? looked.buf : "");
  add (items, "links", false, none, advice);
}

void
check_expected (const json_t *expect, json_t *items)
{
  const json_t *links = json_object_get (expect, "links");
  const char *machine = json_str (expect, "machine", NULL);

  if (machine)
    check_machine (machine, items);
  if (json_array_size (links))
    check_links (links, json_str (expect, "advice", NULL), items);
}
