//! A hospital: admissions, patients, wards, diagnoses.

use wharf_question::{DimensionKind, DimensionTerm, Grain, MetricTerm, Reader, Vocabulary};

use crate::script::{self, DAILY};

fn dimension(name: &str, kind: DimensionKind, label: Option<&str>, values: &[&str]) -> DimensionTerm {
    DimensionTerm {
        name: name.to_owned(),
        label: label.map(str::to_owned),
        kind,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ..DimensionTerm::default()
    }
}

fn metric(name: &str, label: Option<&str>, synonyms: &[&str], dimensions: &[usize]) -> MetricTerm {
    MetricTerm {
        name: name.to_owned(),
        label: label.map(str::to_owned),
        synonyms: synonyms.iter().map(|word| (*word).to_owned()).collect(),
        dimensions: dimensions.to_vec(),
        has_time: true,
        finest_grain: DAILY,
        entity: Some("admission".to_owned()),
        ..MetricTerm::default()
    }
}

/// The vocabulary of the hospital.
pub fn vocabulary() -> Vocabulary {
    use DimensionKind::{Boolean, Categorical, EntityKey, Number, Time};
    let day = Time { grain: Grain::Day };
    let dimensions = vec![
        dimension(
            "admission__admission_type",
            Categorical,
            Some("Admission type"),
            &["emergency", "elective", "transfer"],
        ),
        dimension("admission__is_readmission", Boolean, None, &["true", "false"]),
        dimension("admission__discharged_on", day, None, &[]),
        dimension("patient__gender", Categorical, None, &["female", "male"]),
        dimension("patient__age_group", Categorical, Some("Age group"), &["0-17", "18-39", "40-64", "65+"]),
        dimension("patient__city", Categorical, None, &["Leeds", "York", "Hull", "New Haven"]),
        dimension("patient__is_insured", Boolean, None, &["true", "false"]),
        dimension(
            "ward__ward_name",
            Categorical,
            None,
            &["Cardiology", "Oncology", "Intensive Care", "Maternity"],
        ),
        dimension("ward__floor", Number, None, &["1", "2", "3", "4"]),
        dimension("ward__site__site_name", Categorical, None, &["St Mary", "Royal Infirmary"]),
        dimension("doctor__doctor_name", Categorical, None, &["Dr Okafor", "Dr Lind", "Dr Patel"]),
        dimension("doctor__specialty", Categorical, None, &["Cardiology", "Surgery", "Paediatrics"]),
        dimension(
            "diagnosis__diagnosis_name",
            Categorical,
            None,
            &["Asthma", "Type 2 diabetes", "Hip fracture"],
        ),
        dimension("diagnosis__chapter", Categorical, Some("ICD chapter"), &["Respiratory", "Injury"]),
        dimension("patient", EntityKey, None, &[]),
        dimension("doctor__site__site_name", Categorical, None, &["St Mary", "Royal Infirmary"]),
    ];
    let all: Vec<usize> = (0..15).collect();
    let both: Vec<usize> = (0..16).collect();
    let metrics = vec![
        metric("admissions", Some("Admissions"), &["hospital stays"], &all),
        metric("patients", Some("Distinct patients"), &[], &all),
        metric("avg_length_of_stay", Some("Average length of stay"), &["ALOS"], &all),
        metric("max_length_of_stay", Some("Longest stay"), &[], &all),
        metric("readmission_rate", Some("Readmission rate"), &[], &all),
        metric("emergency_admissions", Some("Emergency admissions"), &[], &all),
        metric("treatment_cost", Some("Treatment cost"), &["cost of treatment", "spending"], &all),
        metric("bed_days", Some("Bed days"), &[], &all),
        metric("median_wait", Some("Median waiting time"), &[], &all),
        metric("consultations", Some("Consultations"), &[], &both),
        MetricTerm { has_time: false, ..metric("staff_count", Some("Number of nurses"), &[], &[7, 8, 9]) },
        MetricTerm { finest_grain: Some(Grain::Month), ..metric("budget", Some("Budget"), &[], &[7, 8, 9]) },
    ];
    Vocabulary { metrics, dimensions, custom_grains: vec!["fiscal_year".to_owned()] }
}

#[test]
fn questions_about_a_hospital() {
    let reader = Reader::new(vocabulary());
    let score = script::play(&reader, script::noon("2025-03-12"), include_str!("hospital.txt"));
    println!("hospital: {score:?}");
    assert_eq!(score.wrong, 0);
    assert!(score.turns >= 60 && score.right * 100 >= score.turns * 97, "{score:?}");
}
