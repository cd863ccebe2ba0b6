/* A program of the operator's: it is told the protector and the VM in its
 * environment, and prints the key, or nothing if it has none. */

#include <string.h>

#include <base/command.h>
#include <base/text.h>

#include "source.h"

#define LIMIT_MS 60000

static int
open_command (struct key_source *source, struct err **err)
{
  (void)source;
  (void)err;
  return 0; /* that it is not there shows when it is started */
}

/* One protector.  The names are no secrets, so env(1) may have them. */
static int
ask (const struct key_source *source, const struct key_query *query,
     const json_t *protector, struct key_answer *answer, struct err **err)
{
  const json_t *volume = query->volume;
  CLEANUP_FREE char *guid =
      xasprintf ("BOOTMEND_PROTECTOR=%s", json_str (protector, "guid", ""));
  CLEANUP_FREE char *type = xasprintf ("BOOTMEND_PROTECTOR_TYPE=%s",
                                       json_str (protector, "type", ""));
  CLEANUP_FREE char *id =
      xasprintf ("BOOTMEND_VOLUME=%s", json_str (volume, "id", ""));
  CLEANUP_FREE char *encryption =
      xasprintf ("BOOTMEND_ENCRYPTION=%s", json_str (volume, "encryption", ""));
  CLEANUP_FREE char *computer =
      xasprintf ("BOOTMEND_COMPUTER=%s",
                 query->computer ? query->computer : "");
  CLEANUP_FREE char *vm =
      xasprintf ("BOOTMEND_VM=%s", query->vm_name ? query->vm_name : "");
  CLEANUP_FREE char *vm_id =
      xasprintf ("BOOTMEND_VM_ID=%s", query->vm_id ? query->vm_id : "");
  const char *argv[] = {"env", guid,  type,          id,  encryption, computer,
                        vm,    vm_id, source->place, NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  size_t len;

  if (command_run_ok (argv, NULL, LIMIT_MS, KEY_MAX_BYTES, &result, err) == -1)
    return -1;
  len = result.output.len;
  if (len == 0)
    return 0;
  if (memchr (result.output.buf, '\0', len) == NULL)
    while (len && (result.output.buf[len - 1] == '\n' ||
                   result.output.buf[len - 1] == '\r'))
      len--;
  if (len)
    key_answer_add (answer, source, NULL, json_str (protector, "guid", ""),
                    result.output.buf, len);
  return 0;
}

static int
find_command (const struct key_source *source, const struct key_query *query,
              struct key_answer *answer, struct err **err)
{
  json_t *protector;
  size_t i;

  /* the first that has one is enough */
  json_array_foreach (json_object_get (query->volume, "protectors"), i,
                      protector)
  {
    if (ask (source, query, protector, answer, err) == -1)
      return -1;
    if (answer->named)
      return 0;
  }
  return 0;
}

const struct key_source_kind key_command = {"command:", open_command,
                                            find_command, NULL};
