#include "lean.h"

#include <stdlib.h>
#include <unistd.h>

#include <base/files.h>

char *
lean_appliance_path (void)
{
  const char *folder = getenv ("BOOTMEND_APPLIANCE");
  CLEANUP_FREE char *mark = NULL;

  if (folder == NULL || *folder == '\0')
    return NULL;
  mark = path_join (folder, "README.fixed");
  return access (mark, R_OK) == 0 ? xstrdup (folder) : NULL;
}
