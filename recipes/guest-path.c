#include "guest-path.h"

#include <string.h>

#define MAX_PATH_BYTES 4096
#define MAX_PART_BYTES                                                         \
  255 /* NAME_MAX; NTFS: 255 UTF-16 units, seldom fewer                        \
       */

static const char wildcards[] = "*?[";

static const char *
character_fault (const char *path, enum recipe_os os)
{
  for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
    if (*p < 0x20 || *p == 0x7f)
      return "has a control character";
    if (os == RECIPE_OS_LINUX)
      continue;
    if (*p == '\\')
      return "has a backslash: write '/' between the parts, from the root "
             "of the guest's system";
    if (*p == ':')
      return "has a ':' (a drive or a stream): write it from the root of the "
             "guest's system, as in \"/Windows/System32\"";
    if (strchr ("<>\"|", *p))
      return "has a character that Windows does not allow in a name";
  }
  return NULL;
}

static const char *
part_fault (const char *part, size_t len, enum recipe_os os)
{
  if (len == 0)
    return "has an empty part (\"//\", or a '/' at its end)";
  if (len == 1 && part[0] == '.')
    return "has \".\" as a part";
  if (len == 2 && part[0] == '.' && part[1] == '.')
    return "has \"..\" as a part";
  if (len > MAX_PART_BYTES)
    return "has a part longer than 255 bytes";
  /* Windows drops these, so that another file would be meant. */
  if (os != RECIPE_OS_LINUX && (part[len - 1] == '.' || part[len - 1] == ' '))
    return "has a part that ends in a dot or a space";
  return NULL;
}

const char *
guest_path_fault (const char *path, enum recipe_os os, unsigned flags)
{
  const char *fault = character_fault (path, os);
  const char *part = path;

  if (fault)
    return fault;
  if (strlen (path) > MAX_PATH_BYTES)
    return "is longer than 4096 bytes";
  if (flags & GUEST_PATH_NAME) {
    if (strchr (path, '/'))
      return "has a '/': a name without a folder is meant";
  } else if (*part++ != '/')
    return "does not start with '/' (the root of the guest's system)";
  for (;;) {
    size_t len = strcspn (part, "/");
    size_t plain = strcspn (part, wildcards);

    fault = part_fault (part, len, os);
    if (fault)
      return fault;
    if (plain < len && part[len] == '/')
      return "has a wildcard (* ? [) in a part that is not its last";
    if (plain < len && !(flags & GUEST_PATH_WILDCARDS))
      return "has a wildcard (* ? [)";
    if (part[len] == '\0')
      return NULL;
    part += len + 1;
  }
}

bool
guest_path_matches_all (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *last = slash ? slash + 1 : path;

  return last[strspn (last, "*?.")] == '\0';
}
