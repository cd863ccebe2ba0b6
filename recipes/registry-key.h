/* Keys, values and types of the registry, as recipes write them: the path of a
 * key below its hive's root, a backslash between the parts, such as
 * "CurrentControlSet\\Services\\disk".  A part may be "*", which stands for
 * every key there is; "." is the root of the hive. */

#ifndef BOOTMEND_REGISTRY_KEY_H
#define BOOTMEND_REGISTRY_KEY_H

/* NULL if it is fine, else the broken rule: a static text. */
const char *registry_key_fault (const char *key);

#endif
