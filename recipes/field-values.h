/* Readers of values, one for each type of field: what a text, a number or a
 * list of a recipe has to look like, and how it gets into a struct.  For
 * fields.c alone. */

#ifndef BOOTMEND_FIELD_VALUES_H
#define BOOTMEND_FIELD_VALUES_H

#include "fields.h"

/* One value on its way into the struct. */
struct field_item {
  struct reader *reader;
  const struct recipe_field *field;
  const json_t *value; /* parameters are put in */
  void *at, *aux;
  const char *place;
};

/* Of any type but FIELD_OBJECT. */
int field_item_read (const struct field_item *it, struct err **err) ATTR_USE;

#endif
