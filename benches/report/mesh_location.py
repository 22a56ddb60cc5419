"""Recall of places and sides of findings against the MeSH codes of Open-i.

Usage: python3 benches/report/mesh_location.py indiana_reports.csv [RADLOOM] [--errors]

A code such as `Opacity/lung/upper lobe/right` asks for an opacity, at an upper lobe, on the right. A place counts as
found when a finding of that head, denied ones aside, is located there (or names the place in its own concept); a side when the
finding has it. Heads and places are mapped to radloom's concepts by the two tables below; codes with other heads are
left out and counted. Places are asked for once per code. The reports are not part of this repository.
"""

import argparse
import collections
import csv

from reports import concept_rows, parse

HEADS = {
    "Opacity": "opacity lung_opacity nodular_opacity airspace_disease infiltration consolidation density_focus density density_increase increased_markings ground_glass atelectasis sequela",
    "Density": "density density_focus density_increase nodular_opacity opacity nodule pulmonary_nodule",
    "Pulmonary Atelectasis": "atelectasis volume_loss",
    "Calcinosis": "calcification aortic_calcification atherosclerosis granuloma granulomatous_disease calcified valve_calcification coronary_calcification pleural_thickening",
    "Calcified Granuloma": "granuloma granulomatous_disease calcification nodule pulmonary_nodule",
    "Granuloma": "granuloma granulomatous_disease nodule pulmonary_nodule",
    "Cicatrix": "sequela fibrotic_sequela fibroatelectasis fibrosis pleural_thickening",
    "Pleural Effusion": "pleural_effusion effusion hydropneumothorax",
    "Nodule": "nodule pulmonary_nodule micronodule nodular_opacity",
    "Mass": "mass hilar_mass",
    "Airspace Disease": "airspace_disease lung_opacity infiltration consolidation pneumonia opacity",
    "Infiltrate": "infiltration pneumonia airspace_disease",
    "Pneumonia": "pneumonia infiltration",
    "Consolidation": "consolidation",
    "Pneumothorax": "pneumothorax hydropneumothorax",
    "Thickening": "thickening pleural_thickening",
    "Fractures, Bone": "fracture vertebral_deformity deformity",
    "Costophrenic Angle": "blunting",
    "Diaphragm": "elevated_diaphragm flattened_diaphragm elevation",
    "Atherosclerosis": "atherosclerosis aortic_calcification calcification",
    "Emphysema": "emphysema bulla",
    "Markings": "increased_markings prominence interstitial_thickening interstitial_lung_disease",
    "Catheters, Indwelling": "catheter port",
}

PLACES = {
    "upper lobe": "upper_lobe right_upper_lobe left_upper_lobe lung_apex upper_zone lingula",
    "lower lobe": "lower_lobe right_lower_lobe left_lower_lobe lung_base lower_zone retrocardiac",
    "middle lobe": "middle_lobe middle_zone",
    "lingula": "lingula middle_zone",
    "base": "lung_base lower_lobe right_lower_lobe left_lower_lobe lower_zone lung_zone retrocardiac costophrenic_angle",
    "apex": "lung_apex upper_lobe right_upper_lobe left_upper_lobe",
    "hilum": "hilum perihilar",
    "pleura": "pleura fissure",
    "mediastinum": "mediastinum paratracheal",
    "aorta": "aorta ascending_aorta aortic_arch descending_aorta abdominal_aorta",
    "aorta, thoracic": "aorta ascending_aorta aortic_arch descending_aorta",
    "ribs": "rib",
    "clavicle": "clavicle",
    "costophrenic angle": "costophrenic_angle pleura",
}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("reports")
    options.add_argument("binary", nargs="?", default="target/release/radloom")
    options.add_argument("--lexicon", default="pipeline/lexicon/concepts.tsv", help="table of the built-in concepts")
    options.add_argument("--errors", action="store_true")
    options = options.parse_args()
    parents = {}
    for row in concept_rows(options.lexicon):
        parents.setdefault(row["concept"], {row["parent"], row["organ"]} - {"-"})

    def ancestors(concept):
        found, todo = set(), [concept]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo += parents.get(one, ())
        return found

    with open(options.reports, encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if "/" in row["MeSH"]]
    graphs = parse(options.binary, [f"FINDINGS: {row['findings']}\n\nIMPRESSION: {row['impression']}" for row in rows])
    asked, reached, seen = collections.Counter(), collections.Counter(), collections.Counter()
    left_out = 0
    for row, graph in zip(rows, graphs):
        places = collections.defaultdict(set)
        for edge in graph["edges"]:
            if edge["relation"] == "located_at":
                places[edge["source"]] |= ancestors(graph["nodes"][edge["target"]]["concept"])
        for code in row["MeSH"].split(";"):
            head, *qualifiers = (part.strip() for part in code.split("/"))
            if head not in HEADS:
                left_out += 1
                continue
            wanted = set(HEADS[head].split())
            nodes = [
                node
                for node in graph["nodes"]
                if node["assertion"] in ("present", "uncertain") and ancestors(node["concept"]) & wanted
            ]
            for qualifier in qualifiers:
                if qualifier in PLACES:
                    names = set(PLACES[qualifier].split())
                    kind = "place"
                    found = any((places[node["id"]] | ancestors(node["concept"])) & names for node in nodes)
                elif qualifier in ("left", "right", "bilateral"):
                    kind = "side"
                    sides = {node["side"] for node in nodes}
                    found = qualifier in sides or qualifier == "bilateral" and {"left", "right"} <= sides
                else:
                    continue
                asked[kind] += 1
                reached[kind] += found
                seen[kind] += bool(nodes)
                if options.errors and not found:
                    print(f"{code.strip()} [{qualifier}] finding found: {bool(nodes)}\n    {row['findings']} {row['impression']}")
    for kind in ("place", "side"):
        print(f"{kind:6} asked {asked[kind]:5}  recall {reached[kind] / asked[kind]:.4f}  "
              f"where the finding itself was found {reached[kind] / seen[kind]:.4f} of {seen[kind]}")
    total, hit, found = sum(asked.values()), sum(reached.values()), sum(seen.values())
    print(f"both   asked {total:5}  recall {hit / total:.4f}  where the finding itself was found {hit / found:.4f}")
    print(f"{left_out} codes have other heads and are left out")


if __name__ == "__main__":
    main()
