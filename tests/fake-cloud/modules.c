/* The clouds that there are; the first one that owns a request answers it.  A
 * new one: write its struct fake_module, name it here (README.md, "How to add a
 * cloud"). */

#include "cloud.h"

extern const struct fake_module fake_aws, fake_azure, fake_gcp;

const struct fake_module *const fake_modules[] = {&fake_gcp, &fake_azure,
                                                  &fake_aws, NULL};

char *
fake_cloud_actions (void)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (size_t i = 0; fake_modules[i]; i++)
    fake_modules[i]->list (&sb);
  return strbuf_take (&sb);
}
