#include "prepare/recipe.h"

#include "base/alloc.h"
#include "prepare/recipe_parts.h"

void recipe_free(struct recipe *recipe) {
    if (!recipe) return;
    for (int32_t s = 0; s < recipe->source_count; s++) {
        mem_free(recipe->sources[s].name);
        recipe_levels_release(&recipe->sources[s].levels);
    }
    for (int32_t i = 0; recipe->items && i < recipe->item_count; i++)
        recipe_item_release(&recipe->items[i]);
    mem_free(recipe->sources);
    mem_free(recipe->items);
    mem_free(recipe);
}

int32_t recipe_columns(const struct recipe *recipe) { return recipe->columns; }

enum recipe_view recipe_view(const struct recipe *recipe) { return recipe->view; }

const char *recipe_source(const struct recipe *recipe, int32_t index) {
    return index >= 0 && index < recipe->source_count ? recipe->sources[index].name : NULL;
}

enum column_kind recipe_source_kind(const struct recipe *recipe, int32_t index) {
    KAI_ASSERT(index >= 0 && index < recipe->source_count);
    return recipe->sources[index].kind;
}

kai_status recipe_matrix(const struct recipe *recipe, int64_t rows, struct matrix **ret_matrix,
                         kai_err *err) {
    struct matrix *matrix = NULL;
    kai_status st = matrix_new(rows, recipe->columns, &matrix, err);
    for (int32_t i = 0; !st && i < recipe->item_count; i++) {
        const struct recipe_item *item = &recipe->items[i];
        for (int32_t f = 0; !st && f < item->count; f++)
            st =
                matrix_name(matrix, item->first + f, item->features[f].name,
                            recipe->sources[item->source].name, item->features[f].cardinality, err);
    }
    if (st) {
        matrix_free(matrix);
        return st;
    }
    *ret_matrix = matrix;
    return KAI_OK;
}

void recipe_describe(const struct recipe *recipe, struct json_writer *json) {
    json_key_text(json, "view", recipe->view == RECIPE_TREE ? "tree" : "dense");
    json_key(json, "features");
    json_array(json);
    for (int32_t i = 0; i < recipe->item_count; i++) {
        const struct recipe_item *item = &recipe->items[i];
        for (int32_t f = 0; f < item->count; f++) {
            const struct recipe_feature *feature = &item->features[f];
            json_object(json);
            json_key_text(json, "name", feature->name);
            json_key_text(json, "source", recipe->sources[item->source].name);
            json_key_text(json, "encoding", recipe_encoding_text(feature->encoding));
            if (feature->cardinality) json_key_i64(json, "levels", feature->cardinality);
            if (feature->scale.spread > 0) json_key_bool(json, "compressed", 1);
            if (feature->encoding == ENCODE_MEAN)
                json_key_f64(json, "smoothing", feature->smoothing);
            json_end(json);
        }
    }
    json_end(json);
}
