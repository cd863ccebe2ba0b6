#include "host-machine.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/files.h>
#include <base/text.h>
#include <bitlocker/guid.h>

const char *
host_machine_folder (void)
{
  const char *own = getenv ("BOOTMEND_DMI_DIR");

  return own ? own : "/sys/class/dmi/id";
}

/* The bytes of the first three fields the other way round. */
static void
swap_fields (const char *uuid, char *swapped)
{
  static const struct {
    size_t at, bytes;
  } fields[] = {{0, 4}, {9, 2}, {14, 2}};

  memcpy (swapped, uuid, GUID_TEXT);
  for (size_t i = 0; i < ARRAY_SIZE (fields); i++)
    for (size_t j = 0; j < fields[i].bytes; j++)
      memcpy (swapped + fields[i].at + 2 * j,
              uuid + fields[i].at + 2 * (fields[i].bytes - 1 - j), 2);
}

enum host_machine
host_machine_is (const char *folder, const char *uuid, char **why)
{
  CLEANUP_FREE char *path = path_join (folder, "product_uuid");
  CLEANUP_FREE char *text = NULL, *shown = NULL;
  CLEANUP_ERR struct err *err = NULL;
  char swapped[GUID_TEXT];
  size_t len;

  if (file_read (path, 256, &text, &len, &err) == -1) {
    *why = xasprintf ("its UUID can't be read: %s", err->msg);
    return MACHINE_UNKNOWN;
  }
  text[strcspn (text, "\n")] = '\0';
  shown = text_printable (text);
  if (!guid_is_text (text)) {
    *why = xasprintf ("its UUID is none: \"%s\"", shown);
    return MACHINE_UNKNOWN;
  }
  *why = xasprintf ("its UUID is %s", shown);
  swap_fields (text, swapped);
  return strcasecmp (text, uuid) == 0 || strcasecmp (swapped, uuid) == 0
             ? MACHINE_SAME
             : MACHINE_OTHER;
}
