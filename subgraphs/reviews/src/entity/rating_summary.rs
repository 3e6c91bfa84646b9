//! Counters of a subject's published reviews.

use sea_orm::entity::prelude::*;

use crate::domain::rating::Histogram;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rating_summaries")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_type: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    pub n1: i32,
    pub n2: i32,
    pub n3: i32,
    pub n4: i32,
    pub n5: i32,
    pub verified_n: i32,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn histogram(&self) -> Histogram {
        Histogram { counts: [self.n1, self.n2, self.n3, self.n4, self.n5].map(i64::from) }
    }
}
